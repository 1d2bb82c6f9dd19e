# Words of notebook 8. A finding is a message; its attributes are the parts of a finding.
# `alt-x` says the figure titled `x` to those who cannot see it: its finding first.

## Typing

found-by-segment = { $branch ->
        [guess] No better than always naming { $largest }
       *[other] { $shown ->
            [one] { PERCENT($most) } of { $most_name } are found
           *[other] { PERCENT($most) } of { $most_name } are found, { PERCENT($least) } of { $least_name }
        }
    }
alt-found-by-segment = { $branch ->
        [guess] Typing is no better than always naming { $largest }.
       *[other] { $shown ->
            [one] The classifier finds { PERCENT($most) } of { $most_name }.
           *[other] The classifier finds { PERCENT($most) } of { $most_name } and
                { PERCENT($least) } of { $least_name }.
        }
    } A dot is the share found of a segment’s customers, a line its 95% interval, a grey mark what
    guessing finds. The table below holds the numbers.
answers-given = { $reached ->
        [yes] At { PERCENT($confidence) } confidence { PERCENT($typed) } get an answer, { PERCENT($right) } of them the right one
       *[no] Fewer than 10 customers reach { PERCENT($confidence) } confidence
    }
alt-answers-given = { $reached ->
        [yes] At { PERCENT($confidence) } confidence { PERCENT($typed) } of customers get an answer, and
            { PERCENT($right) } of these are right.
       *[no] Fewer than 10 customers reach { PERCENT($confidence) } confidence.
    } The curve is the share of right answers over the share of customers who get one, by least
    confidence. The table below holds the numbers.
naming-too-little = No segment is named from these fields. They put { PERCENT($agreement) } in the
    right segment (95% interval { PERCENT($low) } to { PERCENT($high) }), and always naming the largest
    segment is right for { PERCENT($majority) }.
questions-asked = { $questions ->
        [one] With 1 question
       *[other] With { $questions } questions
    } { PERCENT($after) } are in the right segment, without { PERCENT($before) }. Asked for is
    { $asked }.

typing =
    .decision = { $branch ->
        [types] Name a segment only from { PERCENT($confidence) } confidence on; otherwise ask.
        [unsure] Name no segment from these fields: at { PERCENT($confidence) } confidence too few
            customers are typed, or no better than by guessing.
       *[guess] Do not type { $leads ->
            [yes] leads
           *[no] newcomers
        } from these fields: that is no better than naming the largest segment.
    }
    .size = { $branch ->
        [guess] The largest segment holds { PERCENT($majority) } of { $customers } customers. The fields
            are not shown to put more of them in the right segment.
       *[other] What we know { $leads ->
            [yes] of a lead at the start
           *[no] after a first order
        } puts { PERCENT($agreement) } in the right segment (guessing: { PERCENT($majority) }). The best
            single field, { $field }, puts { PERCENT($field_agreement) } there.
    } { $branch ->
        [types] At { PERCENT($confidence) } confidence { PERCENT($typed) } get an answer, and { PERCENT($right) } of these are right.
       *[other] { "" }
    }
    .uncertainty = The 95% interval, for customers left out, is { PERCENT($low) } to { PERCENT($high) }{ $branch ->
        [types] , and { PERCENT($right_low) } to { PERCENT($right_high) } of the answers given
       *[other] { "" }
    }. { $branch ->
        [guess] { "" }
       *[other] { $shown ->
            [0] { "" }
            [one] { "" }
           *[other] By segment { PERCENT($least) } to { PERCENT($most) } are found.
        }
    }
    .action = { $helps ->
        [yes] Ask for { $first } first: { $questions ->
            [one] that brings
           *[other] all { $questions } questions bring
        } it to { PERCENT($after) }.
       *[no] Wait for more orders: asking ({ $questions } at most) does not help beyond chance either.
    }
    .limit = { $leads ->
        [yes] Learnt on customers: leads who never become customers may differ.
       *[no] These are first orders of the window, not first ever: starts are not observed here.
    } { $table ->
        [none] This run has no table of leads, so nothing is ranked.
        [few] Leads are not ranked: too little is known of them.
       *[some] { "" }
    }
typing-none =
    .decision = Do not predict the segment of newcomers.
    .size = { $why }
    .action = Treat newcomers alike until they have ordered.
    .limit = { $table ->
        [none] This run has no table of leads.
       *[other] { "" }
    }
typing-too-few = There are too few customers with known fields and a known segment to learn from.

## Leads

worth = { $tells ->
        [yes] Estimated and measured worth of customers left out have a rank correlation of { NUM($held, digits: 2) }.
       *[no] The fields do not say what a customer is worth: every lead counts as the mean.
    } The median customer is worth { MONEY($median) } a year.
calibration = In { $inside } of { $parts } parts the predicted chance lies in the interval
alt-calibration = In { $inside } of { $parts } equal parts of the latest leads the predicted chance
    lies in the 95% interval of the share won. The table below holds the numbers.
gain = { $orders ->
        [yes] The best { PERCENT($share) } of leads hold { PERCENT($model) } of the wins
       *[no] The score does not order leads beyond chance
    }
alt-gain = { $orders ->
        [yes] The best { PERCENT($share) } of leads hold { PERCENT($model) } of the wins.
       *[no] The score does not order leads beyond chance.
    } Curves are the share of wins found over the share of leads worked. They are for the model, the
    best single field, any order and the best possible order. The table below holds some points.
leads =
    .decision = { $orders ->
        [yes] Work the leads by { $worth_known ->
            [yes] expected value
           *[no] their chance
        }; the best { PERCENT($worked) } hold { $wins } of the wins and { PERCENT($worth_share) } of what they are worth.
       *[no] Work the leads in the order they came: the score does not order them beyond chance.
    }
    .size = AUC { NUM($auc, digits: 3) } on the latest leads (the best single field, { $field }: { NUM($field_auc, digits: 3) }). { $open ->
        [none] No lead is open.
       *[other] { $orders ->
            [yes] { $open } open leads are ranked.
           *[no] { $open } open leads are listed.
        }
    }
    .uncertainty = The 95% interval of the AUC is { NUM($low, digits: 3) } to { NUM($high, digits: 3) }. The
        predicted chance lies in the interval in { $inside } of { $parts } parts.
    .action = Call from the top of lead_scores.csv, and note what came of it.
    .limit = { $orders ->
        [yes] A ranking is no proof that calling earlier wins more: that takes a test.
       *[no] Other fields, or more leads, may order them yet.
    } { $worth_known ->
        [yes] Worth is an estimate (rank correlation { NUM($held, digits: 2) }).
       *[no] The fields do not say what a lead is worth.
    }
leads-none =
    .decision = Work the leads in the order they came: they are not scored.
    .size = Of too few leads is it known what came of them, or no field tells them apart.
    .action = Note of each lead when it came and what came of it.
