# Words of notebook 3. A finding is a message; its attributes are the parts of a finding.

# --- The criteria: what each asks, by the parameter that sets its limit

choice-limit-min_share = Share of customers in the smallest segment, at least
choice-limit-min_agreement = Agreement of two repeated studies (adjusted Rand index), at least
choice-limit-min_excess = Or, for the agreement: excess over null references, at least
choice-limit-min_recovery = Average overlap of the weakest segment when the study is repeated (Jaccard), at least
choice-limit-min_gain = { $beyond ->
    [tiers] Share of the outcomes explained beyond value tiers, at least
    [nothing] Share of the outcomes explained, at least
   *[quintiles] Share of later purchases explained beyond spend quintiles, at least
}
choice-limit-alpha = Largest p-value that counts as beyond chance, or beyond a null model
choice-limit-min_step = A finer number replaces a coarser one if it explains more by at least
choice-limit-min_strength = To be called natural: prediction strength plus its standard error, at least
choice-limit-natural_excess = To be called natural: excess over null references, at least

choice-head-smallest = Smallest segment (min_share { $limit })
choice-head-agreement = Repeated studies agree (min_agreement { $limit })
choice-head-excess = Or: excess over null (min_excess { $limit })
choice-head-weakest = Weakest segment (min_recovery { $limit })
choice-head-gain = { $beyond ->
    [tiers] Gain over value tiers (min_gain { $limit })
    [nothing] Outcomes explained (min_gain { $limit })
   *[quintiles] Gain over spend quintiles (min_gain { $limit })
}
choice-head-p_weeks = p, odd and even weeks (alpha { $limit })
choice-head-explained_low = { $beyond ->
    [quintiles] Explained later, 95% from (above 0)
   *[other] Outcomes explained, 95% from (above 0)
}
choice-head-p = p, null models (alpha { $limit })
choice-head-strength = Prediction strength (min_strength { $limit })

# --- Value, activity and deals

choice-value = High tier: sales of at least { NUM($high, digits: 2) } from { $first } to { $last }. Middle tier: at least { NUM($middle, digits: 2) }. Low tier: less.
    Active: the last order lies within { NUM($active) } usual times between orders. Slowing: within { NUM($slowing) }. Lapsed: longer ago.
    { $equal ->
        [yes] Both cut-offs are equal, because many customers have the same sales: nobody is in the middle tier.
       *[no] { "" }
    }
choice-deals = { $known ->
    [yes] High deal proneness: an index of { NUM($high, digits: 2) } or more. Middle: { NUM($middle, digits: 2) } or more. Low: less.
   *[no] This run shows no sign of deals, so deal proneness is not known.
}

# --- Is there structure?

choice-evidence = { $hidden ->
    [yes] { NUM($classified) } customers have enough data for { $scores } need scores;
   *[no] { NUM($classified) } of { NUM($everyone) } customers have enough data for { $scores } need scores;
} { $sampled ->
    [yes] the evidence is measured on a sample of { NUM($sample) }, in proportion from strata of sales and orders.
   *[no] the evidence is measured on all of them.
}
choice-gap = { $steeper ->
    [yes] The gap rises more than in references
   *[no] The gap rises no more than in references
}
choice-gap-alt = { choice-gap }. From one segment on it rises by { NUM($of_customers, digits: 3) } for customers and by { NUM($reference_low, digits: 3) } to { NUM($reference_high, digits: 3) } for references (grey lines). Bars are standard errors.
choice-control = { $found ->
    [none] Planted clusters exceed the references at none of these distances: with these customers and features even clear clusters could be missed.
   *[other] Planted clusters exceed the references at a distance of { $found }: clusters that lie nearer to each other may be missed.
}

# --- Which method, and how many?

choice-scores = By silhouette, k-means exceeds its references at { $kmeans } of { $tried } k, a full mixture at { $mixture }
choice-scores-alt = { choice-scores }. Panels show silhouette, Calinski-Harabasz and Davies-Bouldin of eight methods over the number of segments, with the range of references in grey.
choice-rules = The rules take { $first } to { $last } segments for customers, and { $least } to { $most } for references. { $agree ->
    [yes] The rules agree.
   *[no] No rule decides; the criteria do.
}
choice-islands = HDBSCAN, which may leave customers outside, finds { NUM($observed) } dense islands of at least { PERCENT($share) } of customers (references: { NUM($low) } to { NUM($high) }). It leaves { PERCENT($outside) } of customers outside.
choice-methods = Other methods agree with k-means at { NUM($low, digits: 2) } to { NUM($high, digits: 2) }: { $same ->
    [yes] they draw the same lines.
   *[no] they draw other lines.
}

# --- How reliable are the segments?

choice-halves = { $beyond ->
    [0] Halves agree no more than in the null models, at any k
    [one] Halves agree beyond every null model at 1 of { $tried } k
   *[other] Halves agree beyond every null model at { $beyond } of { $tried } k
}
choice-halves-alt = { choice-halves }. Box plots show the adjusted Rand index of two halves of the customers. Grey bars show null references. The table below holds the means.
choice-strength = Prediction strength reaches { $least }, with one standard error, up to k = { $k }: the rule of Tibshirani and Walther { $k ->
    [1] sees one cloud.
   *[other] takes { $k }.
} At k = 2 it is { NUM($strength, digits: 2) } for customers and { NUM($reference, digits: 2) } for the strictest null model.
choice-twice = { $judged_weeks ->
    [yes] { $same ->
        [yes] Between odd and even weeks, { $least } of the customers change segment.
       *[no] Between odd and even weeks, from { $least } ({ $fewest } segments) to { $most } ({ $finest }) of the customers change segment.
    }
   *[no] Only { $customers } customers bought in odd and in even weeks, and 20 are needed: whether segments come back in other weeks cannot be said.
} { $judged_time ->
    [yes] { "" }
   *[no] The window is too short for two halves: fewer than 20 customers bought in both.
}
choice-unjudged = Later months judge nothing here: { $why }.
choice-grows = From { $first } to { $last } segments, the share explained { $grows ->
    [yes] grows
   *[no] does not grow
} from { PERCENT($coarse, digits: 1) } to { PERCENT($fine, digits: 1) }
choice-grows-alt = { choice-grows }. Dots show the share of the { $aim } explained at each number of segments, lines its 95% interval.

# --- The decision

choice-decided = { $how ->
    [overridden] { $k } segments: set in the run file and not by the criteria, which take { $by_criteria }.
    [criteria] { $k } segments: by the criteria.
   *[knocked-out] No number of segments meets the criteria; { $k } are shown as evidence.
} { $runner_up ->
    [none] There is no runner-up.
   *[other] Runner-up: { $runner_up }.
} { $tied ->
    [0] { "" }
   *[other] Tied with it: { $ties }.
} The segmentation is { $verdict }.
choice-borders = { $verdict ->
    [natural] The segments stand apart from one another, as customers of no null model do.
    [not-usable] The { $k } groups below are shown as evidence; nothing is built on them.
   *[other] Segments of k-means are regions between centres: a rule of { $scores } numbers per segment that any database can apply. They give up segments of unequal shape, and any claim that customers come in separate groups.
}
choice-against = We found no groups worth acting on: at { $k } groups, which come nearest to the criteria, { $first }.
choice-missed-p_weeks = customers land in the same group in odd and in even weeks no more often than by chance (p = { NUM($p, digits: 2) })
choice-missed-explained_low = { $beyond ->
    [quintiles] they explain nothing of later purchases beyond chance
   *[other] they explain nothing of the outcomes beyond chance
}
choice-missed-smallest = { $known ->
    [yes] the smallest group holds { PERCENT($value, digits: 1) } of customers ({ PERCENT($limit) } needed)
   *[no] the smallest group could not be measured
}
choice-missed-agreement = { $known ->
    [yes] repeated studies agree at { NUM($value, digits: 2) } ({ NUM($limit, digits: 2) } needed) and no more than where there are no groups
   *[no] the agreement of repeated studies could not be measured
}
choice-missed-weakest = { $known ->
    [yes] the weakest group comes back with an average overlap of { NUM($value, digits: 2) } ({ NUM($limit, digits: 2) } needed)
   *[no] the overlap of the weakest group could not be measured
}
choice-missed-gain = { $known ->
    [yes] { $beyond ->
        [tiers] their gain over value tiers is { PERCENT($value, digits: 1) } of the outcomes ({ PERCENT($limit) } needed)
        [nothing] they explain { PERCENT($value, digits: 1) } of the outcomes ({ PERCENT($limit) } needed)
       *[quintiles] their gain over spend quintiles is { PERCENT($value, digits: 1) } of later purchases ({ PERCENT($limit) } needed)
    }
   *[no] the gain could not be measured
}
choice-samples = Samples of { NUM($customers) } customers take { $takes } segments. Their centres agree at { NUM($ari, digits: 2) } (adjusted Rand index; least { NUM($least, digits: 2) }). Among customers of other samples they leave { PERCENT($excess, digits: 2) } more squared distance than those customers' own centres. { $branch ->
    [same-number-same-lines] The decision does not depend on the sample.
    [same-number-other-lines] The number does not depend on the sample, but the lines do: raise sample.
    [other-number-same-lines] The lines do not depend on the sample, but the number does: raise sample, or set k.
   *[other-number-other-lines] The decision depends on the sample: raise sample.
}
choice-one-sample = { $sampled ->
    [no] All { NUM($classified) } classified customers are in the sample: there is no other to compare with.
   *[yes] Too many of the { NUM($classified) } classified customers are in the sample: there is no other to compare with.
}
choice-multiverse = Other preparations agree with the chosen segments by { NUM($low, digits: 2) } to { NUM($high, digits: 2) }
choice-multiverse-alt = { choice-multiverse }. Dots are combinations of scaling, winsorising and shrinking, sorted by agreement; the table below holds the numbers.
choice-preparations = { $other ->
    [0] All { $tried } other preparations give the same verdict.
   *[other] Under { $other } of { $tried } other preparations the verdict is another: { $words }.
}
choice-tree = { $branch ->
    [mixed] Of { $k } segments, segment { $most } comes mostly from one of { $before }; segment { $least } is mixed most
    [whole] Each of the { $k } segments comes from one of { $before }
   *[alike] All { $k } segments are mixed alike
}
choice-tree-alt = { choice-tree }. Discs are segments at each number of segments, lines the customers they share; darkness is the stability across solutions.
choice-borderline = On average, { PERCENT($kept) } of resampled studies keep a customer's segment. Of the customers, { $seldom } keep theirs in fewer than two of three studies. { $measured ->
    [yes] A customer is borderline if the next centre is nearly as near as the own (ratio above { NUM($limit, digits: 2) }): of such customers fewer than two in three keep their segment { $weeks ->
        [yes] in resampled studies or between the weeks.
       *[no] in resampled studies.
    }
   *[no] Too few customers lose their segment to measure from which distance ratio on; borderline is a ratio above { NUM($limit, digits: 2) }, by convention.
}

# --- Who is where?

choice-recovery = { $branch ->
    [apart] Segment { $most } comes back most surely, segment { $least } least
   *[alike] All segments come back alike
}
choice-recovery-alt = { choice-recovery }. Box plots show the overlap of each segment with its best match in repeated studies. At the dashed line (0.5) or below, a segment is dissolved. The figure shows the overlap over all customers; the table above counts dissolved segments among those drawn, which is stricter.
choice-silhouette = { $part } of the customers would fit the next segment better
choice-silhouette-alt = { choice-silhouette }. Silhouette widths of all customers by segment, with the means of customers and of references.
choice-gorge = { $natural ->
    [yes] Median membership lies between { NUM($low, digits: 2) } and { NUM($high, digits: 2) }
   *[no] No gorge between members and others: median membership { NUM($low, digits: 2) } to { NUM($high, digits: 2) }
}
choice-gorge-alt = { choice-gorge }. A histogram of the membership of all customers for each segment, its members in colour.

# --- What are the readings good for?

choice-benchmark = What each way to group customers predicts
choice-benchmark-alt = { $judged ->
    [yes] Value tier x activity explains { PERCENT($rules, digits: 1) } of later sales, needs segments { PERCENT($segments, digits: 1) } of the { $aim }.
   *[no] Some outcomes could not be judged.
} Dots show how well each grouping predicts later behaviour of customers left out, lines 95% intervals. The table below holds the numbers.
choice-rivals = Segments explain { PERCENT($segments, digits: 1) } of the { $outcome }, centres drawn at random { PERCENT($random, digits: 1) } ({ PERCENT($least, digits: 1) } to { PERCENT($most, digits: 1) } over { $draws } draws). { $adds ->
    [yes] The cut explains more than cuts around random customers.
   *[no] The cut explains no more than cuts around random customers.
} Two scores explain { PERCENT($two, digits: 1) }, { $two_place ->
    [more] more than the segments
    [less] less than the segments
   *[as-much] about as much as the segments
}; all scores explain { PERCENT($every, digits: 1) }.
choice-map = Customers and a reference without clusters, laid out in the same way
choice-map-alt = Two UMAP maps in the same frame: customers in the colours of their { $k } segments, and a reference without clusters in grey. Trustworthiness is { NUM($own, digits: 2) } and { NUM($other, digits: 2) }; 1 would show no false neighbour.

# --- The deciding paragraph

choice-deciding-chosen = We use { $k } needs segments{ $how ->
    [overridden] , because the run file sets this number; the criteria take { $by_criteria }.
   *[criteria] .
} We tried { $first } to { $last } segments: { $passing ->
    [0] no number meets the criteria.
    [one] only { $passed } meets the criteria.
   *[other] { $passed } meet the criteria.
} { $path } { $step ->
    [more] { $k } segments explain { PERCENT($share, digits: 1) } of the { $aim }, { NUM($by, digits: 1) } points more than the runner-up, { $runner_up }.
    [no-more] { $k } segments explain { PERCENT($share, digits: 1) } of the { $aim }, { NUM($by, digits: 1) } points less than the runner-up, { $runner_up }.
    [alone] { $k } segments explain { PERCENT($share, digits: 1) } of the { $aim }; there is no runner-up.
   *[unjudged] Later months could not judge how useful they are.
} Repeated studies agree at { NUM($agreement, digits: 2) }, and the weakest segment comes back with an average overlap of { NUM($weakest, digits: 2) }. { $tied ->
    [0] { "" }
   *[other] The evidence cannot tell { $k } from { $ties }.
}
choice-path = { $start ->
    [natural] Natural numbers come first. Of those tied with the largest excess, { $first } is the finest ({ NUM($excess, digits: 2) }).
    [unknown] No excess could be measured, so { $first } comes first.
   *[largest] Of these, { $first } has the largest excess ({ NUM($excess, digits: 2) }).
} { $steps ->
    [0] { $judged ->
        [yes] No finer one explains at least { NUM($least, digits: 1) } points more beyond its error (min_step), so the criteria take { $taken }.
       *[no] Later months cannot judge finer ones, so the criteria take { $taken }.
    }
    [one] { $said }, at least the { NUM($least, digits: 1) } of min_step; so the criteria take { $taken }.
   *[other] { $said }, each at least the { NUM($least, digits: 1) } of min_step; so the criteria take { $taken }.
} { $missed }
choice-path-step = { $n ->
    [0] { $k } explains { NUM($by, digits: 1) } points more of the { $aim }
   *[other] { $k } another { NUM($by, digits: 1) } points
}
choice-path-missed = { $limit ->
    [none] { $k } misses { $misses }.
   *[other] { $k } misses { $misses } ({ NUM($value, digits: 3) } of { $limit }).
}
choice-deciding-given-up = { $verdict ->
    [natural] We give up little: the segments stand apart from one another (p = { NUM($p, digits: 2) } against { $null }). Of the classified customers, { $borderline } are borderline.
    [reproducible] We give up sharp borders: the segments come back more often than customers without clusters explain (p = { NUM($p, digits: 2) } against { $null }). But of the classified customers, { $borderline } are borderline.
   *[constructive] We give up the claim that customers come in separate groups: customers without clusters can be cut as reliably (p = { NUM($p, digits: 2) } against { $null }). Of the classified customers, { $borderline } are borderline.
} Other preparations of the same data agree with these segments by { NUM($low, digits: 2) } to { NUM($high, digits: 2) }.
choice-deciding-change = We would change our mind if repeated studies agreed by less than { $min_agreement } (min_agreement){ $judged ->
    [yes] , or if a finer number met the criteria and explained at least { $min_step } more of the { $aim } (min_step).
   *[no] , or once later months can judge how useful the segments are.
} { $verdict ->
    [natural] So would a test against the null models with p above { $alpha } (alpha).
   *[other] So would a number of segments that stands apart: p at most { $alpha } (alpha) against every null model, and a high prediction strength.
}
choice-deciding-none = We use no needs segments. { $why } We give up offers by group; value tier and activity carry the report. Numbers from { $first } to { $last } were tried. A longer window or more customers would change our mind{ $missed ->
    [none] .
   *[other] , and so would other limits: at least one number misses { $missed }.
}
choice-deciding-unasked = We use no needs segments, and did not look for any. { $why } We give up offers by segment; value tier and activity carry the report. More customers with enough orders, or a longer window, would change this.

# --- Findings

choice-none =
    .decision = Build nothing on needs segments: we found no groups worth acting on.
    .size = { $why }
    .uncertainty = Numbers of segments from { $first } to { $last } were tried on { NUM($customers) } customers, by criteria written down before.
    .action = Let value tier and activity carry offers and service, and look again when a longer window is there.
    .limit = That no groups were found does not show that customers are alike: differences too small or too rare for these data stay unseen.
choice-not-looked-for =
    .decision = Group customers by value tier and activity: needs segments were not looked for.
    .size = The high tier holds { $high } of { NUM($customers) } customers.
    .action = Keep collecting orders, or name categories of products, and run again.
    .limit = { $why }
choice-use =
    .decision = { $verdict ->
        [natural] Use { $k } needs segments: they stand apart.
       *[other] Use { $k } needs segments as overlapping regions; do not treat them as separate groups of people.
    }
    .size = Halves of the customers agree at { NUM($halves, digits: 2) } (adjusted Rand index), customers of the strictest null model by { NUM($reference_agreement, digits: 2) }. Of the classified customers, { $borderline } are borderline.
    .uncertainty = p = { NUM($p, digits: 2) } over all numbers of segments; the hardest null model is { $null }. Prediction strength is { NUM($strength, digits: 2) } (null model: { NUM($reference_strength, digits: 2) }). Repeated studies agree at { NUM($agreement, digits: 2) }. The weakest segment comes back with an average overlap of { NUM($weakest, digits: 2) }. Verdict: { $verdict }.
    .action = { $some_borderline ->
        [yes] Choose offers by segment, and let borderline customers get either offer.
       *[no] Choose offers by segment.
    }
    .limit = { $how ->
        [overridden] The run file sets { $k }; the criteria take { $by_criteria }
       *[criteria] The criteria take { $k }
    }{ $runner_up ->
        [none] ; there is no runner-up.
       *[other] ; the runner-up is { $runner_up }.
    } { $tied ->
        [0] { "" }
       *[other] The evidence cannot tell { $k } from { $ties }.
    } { $same_lines ->
        [yes] Other methods draw much the same lines.
       *[no] Other methods draw other lines.
    } Other preparations agree at { NUM($low, digits: 2) } to { NUM($high, digits: 2) }. { $samples }
choice-scores-first =
    .decision = Where a message can follow the customer's own scores, use them: they explain more of what is bought later than segments do.
    .size = Of the { $outcome }, one message for all explains nothing, { $k } segments explain { PERCENT($segments, digits: 1) }, two scores { PERCENT($two, digits: 1) } and all scores { PERCENT($every, digits: 1) }. Centres drawn at random explain { PERCENT($random, digits: 1) } ({ PERCENT($least, digits: 1) } to { PERCENT($most, digits: 1) }).
    .uncertainty = 95% intervals: segments ({ PERCENT($segments_low, digits: 1) } to { PERCENT($segments_high, digits: 1) }), all scores ({ PERCENT($every_low, digits: 1) } to { PERCENT($every_high, digits: 1) }).
    .action = { $adds ->
        [yes] Let automatic channels choose by scores. Keep segments for what people plan and write for groups, where they explain more than any cut at random.
       *[no] Let automatic channels choose by scores. Keep segments for what people plan and write for groups, and do not claim that this cut is better than another: it explains no more than centres drawn at random.
    }
    .limit = How much of purchases is explained is no effect of a message on them.
choice-value-and-needs =
    .decision = { $branch ->
        [rules-and-needs] Read value from tier and activity, and wants from needs segments.
        [rules] Read value from tier and activity.
       *[nothing] Do not predict sales by value tier and activity: they explain nothing of later sales beyond chance.
    }
    .size = Value tier and activity explain { PERCENT($rules) } of later sales (spend quintiles: { PERCENT($quintiles) }), needs segments { PERCENT($segments) }. { $judged ->
        [yes] Of the { $aim }, needs segments explain { PERCENT($segments_aim, digits: 1) } and spend quintiles { PERCENT($quintiles_aim, digits: 1) }.
       *[no] { "" }
    }
    .uncertainty = { $branch ->
        [nothing] The 95% interval, on customers left out, is ({ PERCENT($low, digits: 1) } to { PERCENT($high, digits: 1) }).
       *[other] Measured on customers left out; the benchmark table holds the 95% intervals.
    }
    .action = { $branch ->
        [rules-and-needs] Budget by value tier and activity; fill the offer by needs segment.
        [rules] Budget by value tier and activity.
       *[nothing] Treat customers alike in budget until more is known of them.
    }
    .limit = To predict is not to cause: no effect of an offer is shown here. { $branch ->
        [rules-and-needs] The continuous need scores explain { PERCENT($scores_aim, digits: 1) } of the { $aim }: where a system can use scores, use them.
       *[other] { "" }
    }
choice-migration =
    .decision = Do not call a change of segment between two periods a migration.
    .size = Resamples of other customers agree at { NUM($again, digits: 2) }, the same customers in odd and even weeks by { NUM($weeks, digits: 2) }. { $judged_time ->
        [yes] In halves of the window they agree at { NUM($time, digits: 2) }.
       *[no] { "" }
    } Between the weeks, { $moved } of the customers change segment.
    .uncertainty = Agreement is the adjusted Rand index. A half says less than the whole, so two full periods would agree better.
    .action = Compare moves between periods with this before acting on them.
    .limit = Weeks alternate, so a true change in mid-period counts in both halves.

# --- Notes of tables

choice-note-tests = p, references: the share of customers and { $references } references at least as extreme; { NUM($least, digits: 2) } is the least possible. Less is tighter for the cluster index; more is structure for the others.
choice-note-silhouettes = * beyond its references (p at most { $alpha }). None: the method left a segment empty. From -1 to 1; a value near 0 says that customers lie between segments.
choice-note-agreement = { $resamples } resamples in { $pairs } pairs, transformations fitted anew in each; { $halvings } halvings. The excess is the share of the way from null references to 1 that is covered; below 0, customers agree less than the references. p allows for the choice of k.
choice-note-models = References drawn: { $drawn }. Drawing stops once ten reach the customers' best; their standard error is at most { NUM($error, digits: 2) }.
choice-note-twice = Adjusted Rand index: 1 is the same, 0 is chance. Customers with sales in both: { $weeks } of the weeks, { $time } of the window. p: labels dealt out at random { $draws } times agree as well in odd and even weeks.
choice-note-samples = Agreement with other samples: adjusted Rand index of the centres on the customers of the first sample. Left elsewhere: by its centres among other samples' customers, beyond what their own centres leave. The first sample has { $resamples } resamples.
choice-note-segments = Recovery is the mean Jaccard overlap. Membership of the own segment: 1 is sure, { NUM($undecided, digits: 2) } is undecided. Borderline: the next segment is less than { PERCENT($farther) } farther than the own. Dissolved and recovered: resamples with an overlap of at most 0.5 and above 0.75 among the customers drawn.
choice-note-benchmark = Judged: { $judged }. R²: 1 is perfect, 0 the average. AUC: 1 is perfect, 0.5 chance. These months also chose the number of segments.
