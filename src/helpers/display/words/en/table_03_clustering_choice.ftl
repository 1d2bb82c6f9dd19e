# Words of notebook 3 for a table with one row per customer. The criteria, and what is said
# of them alone, stand in 03_clustering_choice.ftl.

# --- Candidates: a method and a number of segments

table-choice-method = { $method ->
    [kmeans] k-means
    [latent_classes] latent classes
    [mixture] a Gaussian mixture
   *[medoids] medoids
}
table-choice-candidate = { $k } segments by { table-choice-method }

# --- Value

table-choice-value = { $equal ->
    [yes] High tier: { $label } of at least { $high }. Low tier: less. Both cut-offs are equal, because many customers have the same value: nobody is in the middle tier.
   *[no] High tier: { $label } of at least { $high }. Middle tier: at least { $middle }. Low tier: less.
} { $missing ->
    [none] { "" }
   *[other] Of the customers, { $missing } have no known value: their tier is not known.
}
table-choice-no-value = Value tiers: the table names no value, or too few customers have one, so nobody has a value tier. Name a column of money under `value:` in the run file to have them.

# --- Is there structure?

table-choice-evidence = { $left_out ->
    [none] All { NUM($customers) } customers have answered enough of the { $columns } columns that build segments.
   *[other] Of { NUM($customers) } customers, { $classified } have answered enough of the { $columns } columns that build segments; the others stay in no segment.
} { $sampled ->
    [yes] The evidence is measured on a random { NUM($sample) } of them.
   *[no] The evidence is measured on all of them.
} { $weighted ->
    [yes] Survey weights count in every fit.
   *[no] { "" }
}
table-choice-structure = { $beyond ->
    [0] Halves of the customers agree no more than customers without classes do, by any method
    [one] Halves agree beyond every null model for 1 of { $tried } candidates
   *[other] Halves agree beyond every null model for { $beyond } of { $tried } candidates
}
table-choice-structure-alt = { table-choice-structure }. A panel per method shows the mean adjusted Rand index of halves over the number of segments, with the range of null references in grey. The table below holds the numbers.

# --- Which method, and how many?

table-choice-methods = { $branch ->
    [alike] Whatever the method, the segments are much the same: at { $k } segments any two methods agree at least at { NUM($low, digits: 2) }
    [some] At { $k } segments { $first } and { $second } draw much the same lines ({ NUM($high, digits: 2) }); the least agreement of any two methods is { NUM($low, digits: 2) }
   *[other] The lines depend on the method: at { $k } segments no two methods agree at more than { NUM($high, digits: 2) }
}
table-choice-one-method = One method was tried, so no two can be compared.

# --- The decision

table-choice-decided = { $how ->
    [overridden] { $named }: set in the run file and not by the criteria{ $by_criteria ->
        [none] , by which no number of this method passes.
       *[other] , which take { $by_criteria } segments of this method.
    }
    [criteria] { $named }: by the criteria.
   *[knocked-out] No candidate meets the criteria; { $named } are shown as evidence.
} { $runner_up ->
    [none] There is no runner-up.
   *[other] Runner-up: { $runner_up }.
} { $tied ->
    [0] { "" }
   *[other] The evidence cannot tell it from { $ties } segments of this method.
} The segmentation is { $verdict }.
table-choice-against = We found no groups worth acting on: { $named } come nearest to the criteria, but { $first }.
table-choice-unjudged = How useful segments are was not judged: { $why ->
    [none] the table names no outcome. Name what happened to customers under `outcome:` in the run file.
   *[other] { $why }.
}
table-choice-outcomes = Judged by { $outcomes }, which did not build the segments. Methods and numbers of segments are compared by the share explained of { $aim }.
table-choice-grows = From { $first } to { $last } segments ({ $method }), the share explained { $grows ->
    [yes] grows
   *[no] does not grow
} from { PERCENT($coarse, digits: 1) } to { PERCENT($fine, digits: 1) }
table-choice-grows-alt = { table-choice-grows }. Dots show the share of { $aim } explained at each number of segments, lines its 95% interval.
table-choice-multiverse = Other preparations agree with the chosen segments at least at { NUM($low, digits: 2) }
table-choice-multiverse-alt = { table-choice-multiverse }. Dots are combinations of cut-offs, weights of families and what is done about missing answers, sorted by agreement; the table below holds the numbers.
table-choice-borderline = On average, { PERCENT($kept) } of resampled studies keep a customer's segment. Of the customers, { $seldom } keep theirs in fewer than two of three studies. { $measured ->
    [yes] A customer is borderline if the next segment fits nearly as well as the own (ratio above { NUM($limit, digits: 2) }): of such customers fewer than two in three keep their segment in resampled studies.
   *[no] Too few customers lose their segment to measure from which ratio on; borderline is a ratio above { NUM($limit, digits: 2) }, by convention.
}

# --- What are the segments good for?

table-choice-benchmark = What each way to group customers predicts
table-choice-benchmark-alt = { table-choice-benchmark }. Dots show how well each grouping predicts the outcomes of customers left out, lines 95% intervals. The table below holds the numbers.
table-choice-note-benchmark = Judged: { $judged }. R²: 1 is perfect, 0 the average. AUC: 1 is perfect, 0.5 chance. { $chose ->
    [yes] The outcomes also helped to choose the segments.
   *[no] { "" }
}

# --- Answering styles

table-choice-style = { $branch ->
    [style] Segments are for a good part styles of answering: they explain { PERCENT($explained) } of the mean answer to all items
   *[content] Segments are more than styles of answering: they explain { PERCENT($explained) } of the mean answer to all items
}
table-choice-no-style = No family of columns has five items with the same answers, so no style of answering can be seen.

# --- Notes of tables

table-choice-note-sizes = Recovery is the mean Jaccard overlap when the study is repeated. Dissolved: resamples with an overlap of at most 0.5 among the customers drawn. { $weighted ->
    [yes] The weighted share counts each respondent by the survey weight.
   *[no] { "" }
}
table-choice-note-scores = Silhouette on the prepared scores, -1 to 1, whatever the method.
table-choice-note-agreement = { $resamples } resamples in { $pairs } pairs, columns prepared anew in each; { $halvings } halvings. The excess is the share of the way from null references to 1 that is covered; below 0, customers agree less than the references. p allows for the choice of method and number.
table-choice-note-models = References drawn: { $drawn }. Drawing stops once ten reach the customers' best; their standard error is at most { NUM($error, digits: 2) }.

# --- The deciding paragraph

table-choice-deciding-chosen = We use { $named }{ $how ->
    [overridden] , because the run file sets this{ $by_criteria ->
        [none] ; no number of this method meets the criteria.
       *[other] ; of this method the criteria take { $by_criteria }.
    }
   *[criteria] .
} We tried { $tried } candidates, { $methods } methods with { $first } to { $last } segments each: { $passing ->
    [0] none meets the criteria.
    [one] one meets the criteria.
   *[other] { $passing } meet the criteria.
} { $start ->
    [natural] Natural ones come first, and the largest excess over null references among them is { NUM($excess, digits: 2) }, of { $best }.
    [unknown] No excess over null references could be measured.
    [largest] The largest excess over null references among them is { NUM($excess, digits: 2) }, of { $best }.
   *[none] { "" }
} { $why ->
    [explains] { $named } explain more of { $aim }, beyond the error.
    [finest] Of numbers that the evidence cannot tell from it, the finest is taken.
    [easiest] No method is better than another beyond its error, so the one that is easiest to explain is taken.
   *[none] { "" }
} { $step ->
    [more] { $named } explain { PERCENT($share, digits: 1) } of { $aim }, { NUM($by, digits: 1) } points more than the runner-up, { $runner_up }.
    [no-more] { $named } explain { PERCENT($share, digits: 1) } of { $aim }, { NUM($by, digits: 1) } points less than the runner-up, { $runner_up }.
    [alone] { $named } explain { PERCENT($share, digits: 1) } of { $aim }; there is no runner-up.
   *[unjudged] How useful they are was not judged.
} Repeated studies agree at { NUM($agreement, digits: 2) }, and the weakest segment comes back with an average overlap of { NUM($weakest, digits: 2) }. { $tied ->
    [0] { "" }
   *[other] The evidence cannot tell { $named } from { $ties } of this method.
}
table-choice-deciding-given-up = { $verdict ->
    [natural] We give up little: the segments stand apart from one another (p = { NUM($p, digits: 2) } against { $null }).
    [reproducible] We give up sharp borders: the segments come back more often than customers without classes explain (p = { NUM($p, digits: 2) } against { $null }).
   *[constructive] We give up the claim that customers come in separate groups: customers without classes can be cut as reliably (p = { NUM($p, digits: 2) } against { $null }).
} Of the customers in segments, { $borderline } are borderline. Other preparations of the same data agree with these segments at least at { NUM($low, digits: 2) }.
table-choice-deciding-change = We would change our mind if repeated studies agreed by less than { $min_agreement } (min_agreement){ $judged ->
    [yes] , or if a candidate with more segments met the criteria and explained at least { $min_step } more of { $aim } (min_step).
   *[no] , or once an outcome can judge how useful the segments are.
} { $verdict ->
    [natural] So would a test against the null models with p above { $alpha } (alpha).
   *[other] So would a candidate that stands apart: p at most { $alpha } (alpha) against every null model, and a high prediction strength.
}
table-choice-deciding-none = We use no segments. { $why } We give up offers by group{ $tiers ->
    [yes] ; value tiers carry the report.
   *[no] .
} { $methods } methods were tried with { $first } to { $last } segments each. More customers or other columns would change our mind{ $missed ->
    [none] .
   *[other] , and so would other limits: at least one candidate misses { $missed }.
}
table-choice-deciding-unasked = We use no segments, and did not look for any. { $why } { $tiers ->
    [yes] Value tiers carry the report.
   *[no] { "" }
} More customers with known answers would change this.

# --- Findings

table-choice-none =
    .decision = Build nothing on segments: we found no groups worth acting on.
    .size = { $why }
    .uncertainty = { $methods } methods with { $first } to { $last } segments each were tried on { NUM($customers) } customers, by criteria written down before.
    .action = { $tiers ->
        [yes] Let value tiers carry offers and service, and look again with more customers or other columns.
       *[no] Treat customers alike, and look again with more customers or other columns.
    }
    .limit = That no groups were found does not show that customers are alike: differences too small or too rare for these data stay unseen.
table-choice-not-looked-for =
    .decision = { $tiers ->
        [yes] Group customers by value tier: segments were not looked for.
       *[no] Treat customers alike: segments were not looked for.
    }
    .size = { NUM($customers) } customers are in the table.
    .action = Collect more customers, or more answers of each, and run again.
    .limit = { $why }
table-choice-use =
    .decision = { $verdict ->
        [natural] Use { $named }: they stand apart.
       *[other] Use { $named } as overlapping regions; do not treat them as separate groups of people.
    }
    .size = Halves of the customers agree at { NUM($halves, digits: 2) } (adjusted Rand index), customers of the strictest null model at { NUM($reference_agreement, digits: 2) }. Of the customers in segments, { $borderline } are borderline.
    .uncertainty = p = { NUM($p, digits: 2) } over all candidates; the hardest null model is { $null }. Prediction strength is { NUM($strength, digits: 2) } (null model: { NUM($reference_strength, digits: 2) }). Repeated studies agree at { NUM($agreement, digits: 2) }. The weakest segment comes back with an average overlap of { NUM($weakest, digits: 2) }. Verdict: { $verdict }.
    .action = { $some_borderline ->
        [yes] Choose offers by segment, and let borderline customers get either offer.
       *[no] Choose offers by segment.
    }
    .limit = { $how ->
        [overridden] The run file sets { $named }
       *[criteria] The criteria take { $named }
    }{ $runner_up ->
        [none] ; there is no runner-up.
       *[other] ; the runner-up is { $runner_up }.
    } { $tied ->
        [0] { "" }
       *[other] The evidence cannot tell them from { $ties } of this method.
    } { $methods } Other preparations agree at least at { NUM($low, digits: 2) }. { $unjudged }
table-choice-useful =
    .decision = { $branch ->
        [nothing] Do not predict { $aim } by segment: segments explain nothing of it beyond chance.
        [rival] Where one rule is enough, use { $rival }: alone it explains more of { $aim } than the segments do.
        [scores] Where a message can follow each customer's own answers, use them: they explain more of { $aim } than segments do.
       *[segments] Use the segments where plans are made for groups: no simpler grouping explains more of { $aim }.
    }
    .size = Of { $aim }, { $named } explain { PERCENT($segments, digits: 1) }, a random label { PERCENT($random, digits: 1) }, { $rivals } and all continuous scores { PERCENT($scores, digits: 1) }.
    .uncertainty = 95% intervals, on customers left out: segments ({ PERCENT($segments_low, digits: 1) } to { PERCENT($segments_high, digits: 1) }), all continuous scores ({ PERCENT($scores_low, digits: 1) } to { PERCENT($scores_high, digits: 1) }).
    .action = { $branch ->
        [nothing] Look for an outcome that the columns of the segments bear on, or use segments for words and offers alone.
        [rival] Keep segments for what to say, and { $rival } for whom to say it to.
        [scores] Let automatic channels choose by scores. Keep segments for what people plan and write for groups.
       *[segments] Plan offers and service by segment, and test them.
    }
    .limit = To predict is not to cause: no effect of an offer is shown here.
table-choice-rival = { $name } { PERCENT($share, digits: 1) }
table-choice-style-found =
    .decision = Do not read the segments as wants alone: for a good part they are styles of answering.
    .size = Segments explain { PERCENT($explained) } of how much each respondent agrees with items at all: from { PERCENT($least) } of the scale in one segment to { PERCENT($most) } in another.
    .action = Read what a segment agrees with more than its own mean answer, and try the survey with forced choices.
    .limit = A respondent who truly wants everything answers in the same way: this table cannot tell the two apart.
