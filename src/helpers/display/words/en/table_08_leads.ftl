# Words of notebook 8 of a customer table. A finding is a message; its attributes are its parts.

table-leads-known = Known at the start: { $known ->
        [one] { $known } field
       *[other] { $known } fields
    } of leads. Refused: { $refused ->
        [none] none
       *[some] { $refused }
    }.
table-leads-largest = Always naming { $name } is right for { PERCENT($share) } of { NUM($customers) } customers.
table-leads-no-start = Nothing that says who a customer is differs between them: only questions can tell their segment.
table-leads-no-batch = This run has no table of leads with columns that customers have too: no batch is typed.
table-leads-not-typed = No lead is typed: what is known of it does not beat guessing surely enough.

table-typing-types =
    .decision = Name a segment only from { PERCENT($confidence) } confidence on; otherwise ask.
    .size = What is known at the start puts { PERCENT($agreement) } in the right segment (guessing: { PERCENT($guessed) }). The best single column, { $field }, puts { PERCENT($field_agreement) } there. At { PERCENT($confidence) } confidence { PERCENT($typed) } get an answer, and { PERCENT($right) } of these are right.
    .uncertainty = The 95% interval, for customers left out, is { PERCENT($low) } to { PERCENT($high) }, and { PERCENT($right_low) } to { PERCENT($right_high) } of the answers given. { $shown ->
        [0] { "" }
        [one] { "" }
       *[other] By segment { PERCENT($least) } to { PERCENT($most) } are found.
    }
    .action = { $questions }
    .limit = Learnt on customers: newcomers and leads may differ. { $leads ->
        [none] This run has no table of leads, so nothing is ranked.
       *[other] { "" }
    }
table-typing-unsure =
    .decision = Name no segment from what is known at the start: ask first.
    .size = What is known at the start puts { PERCENT($agreement) } in the right segment (guessing: { PERCENT($guessed) }). At { PERCENT($confidence) } confidence too few are typed, or no better than by guessing.
    .uncertainty = The 95% interval, for customers left out, is { PERCENT($low) } to { PERCENT($high) }.
    .action = { $questions }
    .limit = Learnt on customers: newcomers and leads may differ. { $leads ->
        [none] This run has no table of leads, so nothing is ranked.
       *[other] { "" }
    }
table-typing-guess =
    .decision = Do not type newcomers by what is known at the start: that is no better than naming the largest segment.
    .size = The largest segment holds { PERCENT($guessed) } of customers. What is known is not shown to put more in the right segment.
    .uncertainty = The 95% interval, for customers left out, is { PERCENT($low) } to { PERCENT($high) }.
    .action = { $questions }
    .limit = Learnt on customers: newcomers and leads may differ. { $leads ->
        [none] This run has no table of leads, so nothing is ranked.
       *[other] { "" }
    }
table-typing-ask =
    .decision = Ask newcomers a few questions: nothing else tells their segment.
    .size = The largest segment holds { PERCENT($guessed) } of customers.
    .action = { $questions }
    .limit = Learnt on customers: newcomers and leads may differ. { $leads ->
        [none] This run has no table of leads, so nothing is ranked.
       *[other] { "" }
    }
table-typing-questions = { $branch ->
        [none] There is no further question to ask.
        [helps] Ask { $first } first: { $questions ->
            [one] that brings
           *[other] all { $questions } questions bring
        } it to { PERCENT($after) } (without: { PERCENT($before) }).
       *[other] Asking ({ $questions } at most) is not shown to help beyond chance either.
    }
table-typing-none =
    .decision = Do not predict the segment of newcomers.
    .size = { $why }
    .action = Treat newcomers alike, by what they ask for.
    .limit = { $leads ->
        [none] This run has no table of leads.
       *[other] { "" }
    }
