# Words of notebook 6 of a customer table. A finding is a message; its attributes are its parts.

# --- Why a section is left out
table-act-no-value = Value is not shown: the table names no value, or too few customers have one.
table-act-no-profile = What segments ask for is not known: there is no profile of segments that can be used.
table-act-no-group = No recommendation is given: no group of { $least } customers can be shown.
table-act-no-matrix = Value is not crossed with needs: there are no segments that can be used.
table-act-few-worth = No figure: value can be shown for no { $group }.
table-act-no-draw = No arms are drawn: a test with these customers would decide nothing.
table-act-no-curve = No curve is drawn: no test of this size finds any effect.
table-act-few-to-test = No test is planned: it needs { $least } customers in groups that can be shown.

# --- Where does value lie?
table-act-worth-title = { $branch ->
        [more] “{ $top }”: worth more per customer than the others
        [alike] Value per customer: no { $group } clearly above the others
        [one] Value per customer: one { $group } can be shown
       *[few] Value per customer is withheld
    }
table-act-resources =
    .decision = { $branch ->
        [more] Give service and sales time to “{ $top }” before the others.
        [alike] Spread service by size: no { $group } is clearly worth more per customer.
        [one] Plan for “{ $top }” alone: no other { $group } can be shown.
       *[few] Do not plan by value: it cannot be shown for any { $group }.
    }
    .size = { $branch ->
        [few] { "" }
       *[other] “{ $top }” holds { PERCENT($customers) } of customers and { PERCENT($share) } of the value: { MONEY($each) } per customer. { $branch ->
            [more] That is { MONEY($beside) } more than the others.
            [alike] Most value in all lies in “{ $largest }”.
           *[other] { "" }
        }
    }
    .uncertainty = { $branch ->
        [few] { "" }
        [one] 95% interval per customer: ({ MONEY($low) } to { MONEY($high) }).
       *[other] 95% interval per customer: ({ MONEY($low) } to { MONEY($high) }). Of the difference from the others, for all { $group }s at once: ({ MONEY($beside_low) } to { MONEY($beside_high) }).
    }
    .limit = Value so far is no promise, and no effect of serving a { $group } better.

# --- What is recommended?
table-act-advice = { $asks ->
        [none] { $value ->
            [more] Keep the service they have, and ask what they want.
           *[other] Ask what they want before anything is offered.
        }
       *[other] { $value ->
            [more] Lead with: { $asks }. Give them time of their own.
            [less] Lead with: { $asks }. Use channels that cost little.
           *[other] Lead with: { $asks }. Test it before it costs more.
        }
    }
table-act-because = { $asks ->
        [none] Nothing that they ask for marks them.
       *[other] Above average in: { $asks }.
    } { $value ->
        [more] Worth more per customer than the others.
        [less] Worth less per customer than the others.
        [alike] Worth about as much as the others, as far as can be seen.
       *[unknown] What they are worth is not known.
    }
table-act-advise =
    .decision = { $asked ->
        [0] Ask before you offer: no { $group } is marked by what it wants.
       *[other] Lead with what each { $group } asks for, as a test.
    }
    .size = { $asked ->
        [0] { "" }
        [one] 1 { $group } is marked by what it wants.
       *[other] { $asked } { $group }s are marked by what they want.
    }
    .limit = What marks a { $group } is no proof that an offer of it works.

# --- What could a test decide?
table-act-test-rate = { $rate ->
        [none] No yes/no outcome can be shown: a rate of { PERCENT($assumed) } is assumed.
       *[other] The test asks whether “{ $outcome }” changes. It holds for { PERCENT($rate) } of all customers.
    }
table-act-test =
    .decision = { $branch ->
        [each] Test in every { $group } by itself: each can find { NUM($largest) } points.
        [some] Test where it can be decided: { $able }.
        [pooled] Test the same offer in all { $group }s: only together can they find an effect.
        [one] Test with all customers: they can find { NUM($largest) } points.
       *[none] Do not test with these customers alone: they are too few to decide anything.
    }
    .size = { NUM($customers) } customers can be in a test. To see { NUM($largest) } points, { NUM($needs) } are needed; to see { NUM($smallest) }, { NUM($needs_smallest) }.
    .uncertainty = { $branch ->
        [none] Even an effect of { NUM($largest) } points is found with a chance below { PERCENT($power) }. { $least ->
            [none] { "" }
           *[other] All together would find { NUM($least) } points.
        }
       *[other] An effect of that size is found with a chance of { PERCENT($power) }; smaller ones may be missed.
    }
    .action = { $branch ->
        [none] Collect more customers, or look for a larger effect.
       *[other] Take the arms from test_plan.csv and leave the control arm alone until the outcome is known.
    }
    .limit = This table has no random arms, so it cannot itself say what any offer changes. { $rate ->
        [none] The rate is assumed.
       *[other] The rate is that of the past.
    }
table-act-nothing-to-do =
    .decision = Do not act by these groups yet: nothing can be decided with this table.
    .size = { NUM($customers) } customers are in it.
    .limit = Neither value, nor what groups ask for, nor a test is possible.
