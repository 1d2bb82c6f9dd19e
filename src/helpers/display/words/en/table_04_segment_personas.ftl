# Words of notebook 4 of a customer table: findings, persona cards, and what figures show.

## Findings. Each branch of a subject is a message; the parts of a finding are attributes.

table-people-groups-none =
    .decision = Do not plan by segments: we found no groups worth acting on.
    .size = { $why }
    .uncertainty = That we found none does not prove that there is none. These answers show none that lasts.
    .action = Use single answers, and value tiers where there are any. Look again with more customers or other columns.
    .limit = We looked only at the columns that were to build segments.
table-people-groups-unasked =
    .decision = Plan without segments: we did not look for any.
    .size = { $why }
    .uncertainty = These data cannot say whether there are any.
    .action = Use single answers, and value tiers where there are any. Look again with more customers or other columns.
    .limit = We looked only at the columns that were to build segments.

table-people-offers-go =
    .decision = Plan offers for { $number ->
            [one] { $number } segment
           *[other] { $number } segments
        }: { $names }.
    .size = { $sizes }.
    .uncertainty = { $natural ->
            [yes] The segments stand apart.
           *[no] Customers overlap: the segments are a useful cut, not sharp groups.
        } { $reliable }
    .action = Give each segment its offer on a random half, and keep the other half to measure.
    .limit = That they answer differently is by construction. That an offer works is assumed until tested.
table-people-offers-unsure =
    .decision = Test before you plan by segment: none of the { $number } is shown to be reliable.
    .size = { $names }. { $sizes }.
    .uncertainty = { $reliable } Customers without clusters reach as much.
    .action = Try one offer on a random half of one segment. Look again with more customers.
    .limit = That they answer differently is by construction. That an offer works is assumed until tested.
table-people-size = { $name } { PERCENT($share_customers) } of customers{ $share_sales ->
        [none] { "" }
       *[other] , { PERCENT($share_sales) } of { $label }
    }

table-people-value-differs =
    .decision = Put service by value tier first: segments differ in { $label } too.
    .size = { $size } By segment, { $label } runs from { MONEY($other) } ({ $least }) to { MONEY($mean) } ({ $most }) per customer.
    .uncertainty = { $number ->
            [one] One segment lies
           *[other] { $number } segments lie
        } apart from the average beyond a simultaneous interval. { $most }: { MONEY($low) } to { MONEY($high) } per customer (95% interval).
    .action = Protect high-value customers in every segment first.
    .limit = Tiers were cut by the same { $label }. One moment cannot say whether they last.
table-people-value-alike =
    .decision = Put service by value tier: segments are not shown to differ in { $label }.
    .size = { $size } By segment, { $label } runs from { MONEY($other) } ({ $least }) to { MONEY($mean) } ({ $most }) per customer.
    .uncertainty = No segment lies apart from the average beyond a simultaneous interval.
    .action = Protect high-value customers in every segment alike.
    .limit = Tiers were cut by the same { $label }. One moment cannot say whether they last.
table-people-value-tiers =
    .decision = Put service by value tier.
    .size = { $size }
    .uncertainty = By segment, { $label } cannot be compared here.
    .action = Protect high-value customers first.
    .limit = Tiers were cut by the same { $label }. One moment cannot say whether they last.
table-people-value-unknown =
    .decision = Do not treat customers by value tier: too few are known to show what tiers hold.
    .action = Look again with more customers.
    .limit = Tiers were cut by { $label } itself. One moment cannot say whether they last.
table-people-tier-size = The { $value_tier } tier is { PERCENT($share_customers) } of customers and { PERCENT($share_sales) } of { $label }.
table-people-tier-hidden = What the first tier holds must not be shown.

table-people-outcomes-none =
    .decision = We do not know whether segments go with any outcome: the table names none.
    .action = Name columns such as churn, answer or renewal under outcome in the run file.
    .limit = Segments that differ in answers need not differ in what customers do.
table-people-outcomes-alike =
    .decision = Do not expect segments to differ in { $labels }: none is shown to.
    .uncertainty = No segment lies apart from the average beyond a simultaneous interval. That does not prove them alike.
    .action = Judge segments by a test of offers, not by these outcomes.
    .limit = Outcomes did not build the segments: what is seen is an association, not an effect.
table-people-outcomes-differ =
    .decision = Watch { $labels } by segment: { $name } differs most from the average.
    .size = { $said }.
    .uncertainty = { $clear ->
            [one] One difference lies
           *[other] { $clear } differences lie
        } beyond a simultaneous interval, over all segments and outcomes.
    .action = Test an offer in { $name } on a random half before crediting the segment.
    .limit = Outcomes did not build the segments: what is seen is an association, not an effect.

table-people-rules-work =
    .decision = Where only a form is at hand, ask { $number ->
            [one] { $number } question
           *[other] { $number } questions
        }: { $questions }.
    .size = Rules on the answers put { PERCENT($agreement) } of customers in the right segment. Always naming the largest: { PERCENT($majority) }.
    .uncertainty = 95% interval { PERCENT($low) } to { PERCENT($high) }, on customers left out. By segment, rules find { PERCENT($least) } to { PERCENT($most) } of the customers.
    .action = Use the rule card for a first contact, and the model where it can run.
    .limit = The rule card is an approximation. We judge it against the model, not against what customers want.
table-people-rules-no-better =
    .decision = Do not assign customers by rules: they do not clearly beat always naming the largest segment.
    .size = Rules put { PERCENT($agreement) } of customers in the right segment; always naming the largest { PERCENT($majority) }.
    .uncertainty = 95% interval { PERCENT($low) } to { PERCENT($high) }, on customers left out.
    .action = Use the model itself.
    .limit = The rule card is an approximation. We judge it against the model, not against what customers want.

table-people-attributes-built =
    .decision = Segments are built from who customers are: { $built }. Have it checked before you treat persons by them.
    .size = { $number ->
            [one] One such column
           *[other] { $number } such columns
        } built the segments.
    .action = Leave these families out of segment_on to see what the segments are without them.
    .limit = Treating persons by such attributes can harm or be unlawful. For companies, it may say nothing new.

## The answer of the study, first on its page

table-people-answer = { $groups ->
        [unasked] We did not look for segments. { $why }
        [none] { $why }
        [natural] Customers fall into { $number ->
            [one] { $number } segment
           *[other] { $number } segments
        } that stand apart in what they answered.
       *[cut] Customers overlap: there are no sharp groups. We cut them into { $number ->
            [one] { $number } segment
           *[other] { $number } segments
        } by what they answered.
    } { $label ->
        [none] The table names no value, or too few customers have one: nothing is said of worth.
       *[known] { $differs ->
            [yes] Segments differ in { $label }.
            [no] Segments are not shown to differ in { $label }.
           *[none] Value tiers are cut by { $label }.
        }
    } { $judged ->
        [yes] Segments differ in their outcomes.
        [no] Segments are not shown to differ in their outcomes.
       *[none] { "" }
    }

## Persona cards

table-people-name = { $way ->
        [high] High: { $label }
        [low] Low: { $label }
       *[plain] { $label }
    }
table-people-summary = { $above ->
        [none] { $below ->
            [none] Near the average in what they answered.
           *[known] Below average: { $below }.
        }
       *[known] Above average: { $above }.{ $below ->
            [none] { "" }
           *[known] { " " }Below: { $below }.
        }
    }
table-people-card-few = Fewer than 10 customers: nothing more is shown.
table-people-worth = { NUM($customers) } customers ({ PERCENT($share_customers) }){ $share_sales ->
        [none] { "" }
       *[other] { " " }with { PERCENT($share_sales) } of { $label }
    }{ $sales_per_customer ->
        [none] { $label ->
            [none] .
           *[known] ; their { $label } is withheld, as one of them might be known by it.
        }
       *[other] : { MONEY($sales_per_customer) } per customer (95% interval { MONEY($low) } to { MONEY($high) }).
    }
# One difference, as a part of a sentence. The interval is that of the difference.
table-people-mark = { $kind ->
        [hidden] { $label }: { $side } average (numbers withheld{ $rests })
        [yes] { $label }: { $mean } (all: { $average }; difference { $gap }{ $rests })
        [share] { $label }: { $mean } (all: { $average }; difference { $gap }{ $rests })
        [score] { $label }: mean score { $mean } of { $top } (all: { $average }; difference { $gap }{ $rests })
       *[number] { $label }: { $mean } on average (all: { $average }; difference { $gap }{ $rests })
    }{ $others ->
        [none] { "" }
       *[some] ; also { $others }
    }
# How a segment turned out in one outcome. The interval is that of the mean.
table-people-outcome = { $kind ->
        [hidden] { $label }: withheld, as it would tell of few customers.
        [score] { $label }: mean score { $mean } of { $top } ({ $low } to { $high }; all: { $average }).
       *[number] { $label }: { $mean } ({ $low } to { $high }; all: { $average }).
    }{ $kind ->
        [hidden] { "" }
       *[shown] { $side ->
            [above] { " " }Clearly above average.
            [below] { " " }Clearly below average.
           *[none] { " " }Not clearly apart.
        }
    }
table-people-offer = { $asked ->
        [none] the general offer
       *[known] what they ask for: { $asked }
    }
table-people-message = { $asked ->
        [none] “Everything in one place”
       *[known] “For you: { $asked }”
    }
table-people-nothing-asked = nothing they ask for stands out
table-people-action = { $offer ->
        [none] Ask for the missing answers before treating them differently.
       *[known] Offer { $offer }; try it on a random half first.
    }

## Parts of tables and figures

table-people-band = { $low ->
        [none] { $high ->
            [none] all
           *[known] up to { $high }
        }
       *[known] { $high ->
            [none] above { $low }
           *[known] above { $low } to { $high }
        }
    }
# A question of the rule card, and its answer.
table-people-rule = { $kind ->
        [yes] { $label }: { $answer ->
            [yes] yes
           *[no] not yes
        }
        [known] { $label }: { $answer ->
            [yes] answered
           *[no] not answered
        }
        [level] { $label } { $answer ->
            [yes] is
           *[no] is not
        } { $value }
        [ordered] { $label }: { $answer ->
            [yes] { $value } or above
           *[no] below { $value }{ table-people-rule-gap }
        }
       *[number] { $label } { $answer ->
            [yes] at least
           *[no] below
        } { $value }{ table-people-rule-gap }
    }
table-people-rule-gap = { $gaps ->
    [yes] { $answer ->
        [yes] { "" }
       *[no] , or not answered
    }
   *[no] { "" }
}
table-people-title-largest = { $name } is the largest segment, with { PERCENT($share) } of customers
table-people-alt-sizes = { $name } is the largest segment, with { PERCENT($share) } of customers. Bars of each segment's share; the table above holds the numbers.
table-people-alt-effects = Heat map of how far each segment lies from the average in what built it, in standard deviations. Bold cells mark a segment. Tables below hold the numbers.
table-people-window = Everything comes from one table of customers: nothing is known of later.
table-people-weighted = Shares and means use the sample weights. Numbers of customers count answers as they came.
# A mean, a share or a score in a table; and the ends of a difference.
table-people-number = { $kind ->
        [hidden] withheld
        [yes] { PERCENT($value) }
        [share] { PERCENT($value) }
        [score] { NUM($value, digits: 1) }
        [money] { MONEY($value) }
       *[number] { NUM($value, digits: 1) }
    }
table-people-gap = { $kind ->
        [hidden] withheld
        [yes] { POINTS($value, digits: 0) } to { POINTS($high, digits: 0) } points
        [share] { POINTS($value, digits: 0) } to { POINTS($high, digits: 0) } points
        [money] { SIGNED($value) } to { SIGNED($high) }
       *[number] { SIGNED($value, digits: 1) } to { SIGNED($high, digits: 1) }
    }
table-people-cell = { $mean } ({ $low } to { $high }){ $side ->
        [above] , apart: above
        [below] , apart: below
       *[none] { "" }
    }
table-people-no-outcome = This run names no outcome that differs between customers: nothing is said of what became of them.
table-people-no-value = This run names no value, or too few customers have one: nothing is said of their worth.
# How the page counts, where cards count otherwise.
table-people-page = { $weighted ->
        [yes] Here answers count as they came; cards use the sample weights.
       *[no] { "" }
    } { $missing ->
        [yes] Where { $label } is missing, it adds nothing to a sum here; cards leave it out of the mean.
       *[no] { "" }
    }
table-people-own-names = All names come from the answers.
table-people-crossings = Not crossed: { $pairs ->
        [none] none
       *[known] { $pairs }
    }.
table-people-used = { $number ->
        [0] No column built segments.
       *[other] Segments are built from { $number } columns and no other. { $sensitive ->
            [none] None of them says who a customer is.
           *[known] Among them are columns that say who a customer is: { $sensitive }.
        }
    }

## Words that the page explains

table-people-tier = High, middle or low by the column of value.
table-people-marker = An answer by which a segment is known: its difference from the average is clear, and not small.
table-people-few = Customers who left too many questions open for a segment to be read.
table-people-effect = A difference in standard deviations (Cohen's d): 0.2 is small, 0.5 medium, 0.8 large.
