# Words of notebook 1 of a customer table. A finding is a message; its attributes are its parts.

### Rules and reconciliation

table-rules-asked = { $rules ->
    [0] This run switches every rule off: no row is set aside.
   *[other] Asked in this order: { $names }.
}

table-usable =
    .decision = { $branch ->
        [whole] Every row received is fit for use.
       *[part] { $kept } are fit for use.
    }
    .size = { $customers } customers, of { $received } rows received. { $branch ->
        [whole] No row was set aside.
        [withheld] What each rule set aside is withheld: it is fewer than 10 rows.
       *[part] Set aside: { $reasons }.
    }
    .uncertainty = None, since nothing is estimated: rows received less rows set aside are the clean ones.
    .action = { $mended ->
        [0] Use the table as it is.
        [one] Look at the column in which impossible values became missing.
       *[other] Look at the { $mended } columns in which impossible values became missing.
    }
    .limit = What was never asked, and who did not answer at all, cannot be counted.

### Value

table-dominance = { $branch ->
    [unknown] This run names no value, so no customer can dominate it.
    [nothing] Values add up to { MONEY($sum, digits: 2) }: no customer has a share of them.
   *[other] The largest customer holds { $largest } of the value{ $ten ->
        [none] .
       *[other] , the largest ten { PERCENT($ten, digits: 1) }.
    }
} { $branch ->
    [large] This customer moves every mean that includes it: read medians.
   *[other] { "" }
}

### Coverage

table-coverage = Coverage runs from { PERCENT($least) } to { PERCENT($most) }. { $low ->
    [0] Each column is known for at least half of customers.
    [one] 1 column is known for fewer than half of customers.
   *[other] { $low } columns are known for fewer than half of customers.
}

table-coverage-title = { $branch ->
    [high] Customers of high value answered more
    [low] Customers of high value answered less
   *[even] How much customers answered hardly depends on their value
}

table-no-fifths = Left out: coverage by value needs a value for { $least } customers, so that each fifth holds ten.

### Columns that tell nothing, the same, or too much

table-columns-apart = { $constant ->
    [none] No column is the same for all.
   *[other] The same for all, so of no use: { $constant }.
} { $copies ->
    [none] { $tells ->
        [yes] No column repeats another, but one tells what another says: the strongest association is { NUM($strongest, digits: 2) }.
       *[no] No column repeats another: the strongest association is { NUM($strongest, digits: 2) }.
    }
   *[other] Nearly the same as another column: { $copies }.
}

table-afterwards = { $names ->
    [none] No column decides an outcome: the strongest association is { NUM($strongest, digits: 2) }.
   *[other] Known only afterwards, since they nearly decide an outcome: { $names }. They build and describe nothing.
}

table-no-outcome = Left out: this run names no outcome, so no column can be known only after it.

### How people answer

table-no-block = Left out: no family holds { $least } items with the same choice of answers.

table-alike = { $customers } share every answer with another customer. Copies would, and so may short tables.

table-style-title = The { $yes ->
    [yes] share of yes
   *[no] level of answers
} differs { $branch ->
    [styles] more between people than chance allows
    [opposed] less between people than chance allows
   *[chance] between people as by chance
}

table-styles =
    .decision = { $branch ->
        [styles] Answering styles may make segments of their own.
       *[other] Expect no segments of mere answering styles.
    }
    .size = In { $block }, the spread of people's mean answer is { NUM($ratio, digits: 1) } times what chance gives, as a variance. { $alike } gave one answer to all items; chance gives { NUM($due, digits: 0) }.
    .uncertainty = { $branch ->
        [styles] Chance alone gives such a spread with p { $p }.
       *[other] A larger spread than this comes by chance with p { $p }.
    } Styles and shared opinions look the same here.
    .action = { $branch ->
        [styles] Compare the segments with the reference of answering styles in notebook 3.
       *[other] Read the answers as they are.
    }
    .limit = How fast somebody answered is not known, so speeders are not seen.

table-apart =
    .decision = { $count ->
        [0] Every column of a family may be used.
        [one] Keep 1 column out of the segments.
       *[other] Keep { $count } columns out of the segments.
    }
    .size = { $constant ->
        [none] None is the same for all.
       *[other] The same for all: { $constant }.
    } { $copies ->
        [none] None repeats another.
       *[other] Repeats another: { $copies }.
    } { $afterwards ->
        [none] None is known only afterwards.
       *[other] Known only afterwards: { $afterwards }.
    }
    .uncertainty = The limits are an association of { NUM($copy, digits: 2) } with another column, and of { NUM($decides, digits: 2) } with an outcome.
    .action = { $afterwards ->
        [none] Nothing has to be corrected in the run file.
       *[other] Check when these columns are filled in, and list them as left_out if it is afterwards.
    }
    .limit = A column that is filled in afterwards, but decides nothing, cannot be recognised.
