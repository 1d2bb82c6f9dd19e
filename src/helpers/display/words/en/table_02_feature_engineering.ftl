# Words of notebook 2 of a customer table. A finding is a message; its attributes are its parts.

### The dictionary

table-unit = { $money ->
    [yes] currency
   *[no] { $measure ->
        [count] number of times
        [share] share, 0 to 1
        [yes_no] 1 is yes, 0 is no
        [ordered] level, from 0
        [unordered] { "" }
       *[number] as in the file
    }
}

table-why-family = { $family ->
    [value] The value has tiers of its own.
   *[other] The family { $family } does not build here.
}

table-why-coverage = It is known for fewer than { PERCENT($least) } of customers.

table-why-same = { $all ->
    [yes] It is the same for all.
   *[no] It is the same for nearly all.
}

table-why-copy = It says what “{ $other }” says.

table-few-unvalued = Fewer than 10 customers have no known value. It counts as 0, so that no table gives them away.
table-builds = { $builders ->
    [0] No column builds segments.
    [one] 1 column builds the segments: { $families }.
   *[other] { $builders } columns build the segments: { $families }.
} { $left ->
    [0] { "" }
    [one] 1 column of these families is left out; the table says why.
   *[other] { $left } columns of these families are left out; the table says why.
}

### How customers spread

table-no-numbers = Left out: the table has no column of numbers.

table-spread-title = { $branch ->
    [leaning] { $name } leans to the right; a few customers have much
   *[plain] How customers spread over numbers
}

table-no-items = Left out: the table has no answers of yes or no, and no ordered answers.

table-items-title = { $branch ->
    [apart] Answers lie between { PERCENT($least) } and { PERCENT($most) }
   *[near] All items are answered alike
}

table-no-levels = Left out: the table has no unordered column that can be shown.

### Which columns say the same, and how families weigh

table-one-builder = Left out: fewer than two columns build the segments.

table-related-title = { $branch ->
    [block] { $one } and { $other } go together most, with { NUM($association, digits: 2) }
   *[plain] No two columns that build go together strongly
}

table-one-family = Left out: one family builds, so there is nothing to balance.

table-balance = Unweighted, { $before_name } would hold { PERCENT($before) } of the squared distance between customers. Weighted, { $after_name } holds most, with { PERCENT($after) }.

### Who answered enough, and what is ready

table-enough = { $branch ->
    [nothing] No column builds, so nobody is compared.
    [all] All { $customers } customers are known in at least { PERCENT($least) } of the columns that build.
   *[some] { $enough } of { $customers } customers are known in at least { PERCENT($least) } of the columns that build. The others are a class of their own: too few answers.
}

table-weighted = { $weighted ->
    [yes] Each customer counts by the sample weight: the largest weight is { NUM($ratio, digits: 1) } times the smallest.
   *[no] Each customer counts once: the table has no sample weight.
}

table-no-judges = Left out: this run names no outcome, so nobody can say how useful segments are for one.

### Findings

table-compare =
    .decision = { $branch ->
        [nothing] Look for no segments: { $few }
        [all] Compare all { $customers } customers by { $families }.
       *[some] Compare { $enough } customers by { $families }; leave the others with too few answers in a class of their own.
    }
    .size = { $builders ->
        [0] No column builds
        [one] 1 column builds
       *[other] { $builders } columns build
    }{ $dropped ->
        [0] .
        [one] , and 1 of the same families does not.
       *[other] , and { $dropped } of the same families do not.
    } { $builders ->
        [0] { "" }
       *[other] The median customer is known in { PERCENT($known) } of them.
    }
    .uncertainty = Enough is { PERCENT($least) } of the columns; all of them would keep { $kept_all }.
    .action = { $branch ->
        [nothing] Read { $instead }: no segments are asked for there.
       *[other] Read each missing answer as not known: in the scores it counts as the average.
    }
    .limit = Who did not answer may differ in just what was asked.

table-balanced =
    .decision = { $branch ->
        [one] One family builds the segments, so none drowns another.
        [even] No family drowns another: the strongest direction of each counts alike.
       *[uneven] { $largest } still holds most of the distance, since it holds more independent columns.
    }
    .size = { $branch ->
        [one] { $largest } holds all of the squared distance between customers.
       *[other] { $largest } holds { PERCENT($after) } of the squared distance; unweighted it would hold { PERCENT($before) }.
    }
    .uncertainty = Weights are fitted once and kept with the model; other weights would be another question.
    .action = Change segment_on in the run file to build from other families.
    .limit = Which families should build is a judgement; columns cannot decide it.

table-judges =
    .decision = { $branch ->
        [none] Do not call the segments useful for an outcome: none is named.
        [few] Do not judge the segments by { $names }: too few customers are known on either side.
       *[judged] Judge the segments by { $names }: { $count ->
            [one] it builds
           *[other] they build
        } nothing.
    }
    .size = { $branch ->
        [judged] { $nearest ->
            [none] No column that builds goes with an outcome.
           *[other] Of the columns that build, { $nearest } goes most with an outcome: { NUM($association, digits: 2) }.
        }
       *[other] { "" }
    }
    .uncertainty = { $branch ->
        [judged] An outcome is known for { $known }.
       *[other] { "" }
    }
    .action = { $branch ->
        [none] Name a column such as renewal or later spend as outcome in the run file.
        [few] Judge them again when an outcome is known for more customers.
       *[judged] Read in notebook 3 whether segments predict it better than value tiers do.
    }
    .limit = An outcome that is measured with the answers may share their style.
