# Words of notebook 4: its findings, its persona cards, and what its figures show.

## Findings. Each branch of a subject is a message; the parts of a finding are attributes.

personas-groups-none =
    .decision = Do not plan by groups of needs: we found no groups worth acting on.
    .size = { $why }
    .uncertainty = That we found none does not prove that there is none. These data show none that lasts.
    .action = Use value tiers and activity as far as they held up later. Look again with more customers, more orders or other categories.
    .limit = We looked only at what was bought, and how.
personas-groups-unasked =
    .decision = Plan by value and activity: we did not look for groups of needs.
    .size = { $why }
    .uncertainty = These data cannot say whether there are any.
    .action = Use value tiers and activity as far as they held up later. Look again with more customers, more orders or other categories.
    .limit = We looked only at what was bought, and how.

personas-offers-goods =
    .decision = Plan offers for { $number ->
            [one] { $number } needs segment
           *[other] { $number } needs segments
        }: { $names }.
    .size = { $sizes }.
    .uncertainty = { $reliable } { $lasting }
    .action = { $branch ->
            [fade] Test before anything else: what marked the segments did not last.
           *[go] Give each segment its offer on a random half, and keep the other half to measure.
        }
    .limit = That they buy differently is by construction. That an offer works is assumed until tested.
personas-offers-habits =
    .decision = Serve { $number ->
            [one] { $number } needs segment
           *[other] { $number } needs segments
        } by how they buy: { $names }.
    .size = { $sizes }.
    .uncertainty = { $reliable } { $lasting }
    .action = { $branch ->
            [fade] Test before anything else: what marked the segments did not last.
           *[go] Give each segment its service on a random half, and keep the other half to measure.
        }
    .limit = That they buy in different ways is by construction. What they want is assumed.
# One segment's size in a list of them; without sales to share out, sales are a text.
personas-size = { $name } { PERCENT($share_customers) } of customers{ $share_sales ->
        [none] { "" }
       *[other] , { PERCENT($share_sales) } of sales
    }
personas-reliable = { $branch ->
        [unknown] How reliable the segments are was not measured.
        [one] Average overlap of { $best } when we repeat the analysis: { PERCENT($most) }.
        [alike] Average overlap when we repeat the analysis: { PERCENT($most) } in each segment.
       *[apart] Average overlap when we repeat the analysis: { PERCENT($least) } ({ $worst }, dissolved in { PERCENT($dissolved) } of repetitions) to { PERCENT($most) } ({ $best }).
    }

# Why it is not known whether a class that was first before is worth more later.
personas-not-judged = { $why ->
        [one] all customers are { $first }
        [few] what { $first } customers are worth must not be shown
       *[unsold] too little was sold later
    }
personas-tiers = { $held ->
        [yes] Tiers lasted: the first one's share of later sales is clearly above its share of customers.
        [no] Tiers did not last: the first one's share of later sales is not clearly above its share of customers.
       *[none] We do not know whether tiers last, since { $why }.
    }
personas-tiers-unknown =
    .decision = Do not spend by value tier yet. We do not know whether tiers last, since { $why }.
    .size = { $size }
    .action = Read the tiers as what customers were worth before. Judge them once there are later sales.
    .limit = Sales, not margin: costs are not in the data.
personas-tiers-last =
    .decision = Put service and budget by value tier: { $far ->
            [yes] it separates worth far more than needs segments do, and it lasts
           *[no] it lasts
        }.
    .size = { $size }
    .uncertainty = Later, the tier given before holds { PERCENT($share_later) } of sales (95% interval { PERCENT($low) } to { PERCENT($high) }). { $between }
    .action = { $segments ->
            [yes] Protect high-value customers in every segment first.
           *[no] Protect high-value customers first.
        }
    .limit = Sales, not margin: costs are not in the data.
personas-tiers-fade =
    .decision = Do not spend by value tier: tiers did not last.
    .size = { $size }
    .uncertainty = Later, the tier given before holds { PERCENT($share_later) } of sales (95% interval { PERCENT($low) } to { PERCENT($high) }). That is not clearly more than its share of customers.
    .action = Spend by what customers do now, and set the tiers anew as sales come in.
    .limit = Sales, not margin: costs are not in the data.
personas-tiers-size = The { $top } tier is { PERCENT($share_customers) } of customers{ $share_sales ->
        [none] { "" }
       *[other] { " " }and { PERCENT($share_sales) } of sales
    }: { MONEY($each) } per customer{ $other ->
        [none] { "" }
       *[tier] , against { MONEY($least) } in the { $other } tier
    }.
personas-between-sales = Needs segments run from { MONEY($least) } to { MONEY($most) } per customer.
personas-between-interval = { $name }, the highest, spent { MONEY($low) } to { MONEY($high) } per customer before (95% interval).

personas-activity-unknown =
    .decision = We do not know whether activity predicts who buys again, since { $why }.
    .size = { $size }
    .action = Look again when more orders are in.
    .limit = Activity compares the time since the last order with the customer's usual time between orders.
personas-activity-lasts =
    .decision = Treat customers by activity: it predicts who buys again.
    .size = { $size }
    .uncertainty = { $later }
    .action = { $slowing ->
            [few] Take no action yet: too few are slowing to test anything.
            [buying] Test a reminder on a random half of those who are slowing.
           *[silent] Do not write to those who are slowing: none of them bought again.
        }
    .limit = Activity compares the time since the last order with the customer's usual time between orders.
personas-activity-fades =
    .decision = Do not treat customers by activity: it did not predict who buys again.
    .size = { $size }
    .uncertainty = { $later }
    .action = Treat all alike until activity separates them.
    .limit = Activity compares the time since the last order with the customer's usual time between orders.
personas-activity-size = { $name }: { NUM($customers) } customers{ $sold ->
        [yes] , { MONEY($holdout_per_customer) } each later
       *[no] { "" }
    }
personas-activity-later = Customers who were { $name } are { PERCENT($share_customers) } of all. They hold { PERCENT($share_later) } of later sales (95% interval { PERCENT($low) } to { PERCENT($high) }).

personas-rules-unjudged =
    .decision = Do not assign customers by rules: they cannot be judged here.
    .size = It takes two segments or more, none of them small.
    .action = Use the model itself.
    .limit = The rule card is an approximation. We judge it against the model, not against what customers want.
personas-rules-no-better =
    .decision = Do not assign customers by rules: they do not clearly beat always naming the largest segment.
    .size = Rules give { PERCENT($agreement) } of customers their own segment. CRM fields alone: { PERCENT($crm) }; always the largest { PERCENT($majority) }.
    .uncertainty = 95% interval { PERCENT($low) } to { PERCENT($high) }, on customers left out.
    .action = Use the model itself.
    .limit = The rule card is an approximation. We judge it against the model, not against what customers want.
personas-rules-work =
    .decision = Where only a CRM is at hand, ask for { $number ->
            [one] { $number } need
           *[other] { $number } needs
        }: { $needs }.
    .size = Rules on them give { PERCENT($agreement) } of customers their own segment. CRM fields alone: { PERCENT($crm) }; always the largest { PERCENT($majority) }.
    .uncertainty = 95% interval { PERCENT($low) } to { PERCENT($high) }, on customers left out. By segment, rules find { PERCENT($least) } to { PERCENT($most) } of the customers.
    .action = Use the rule card for a first contact, and the model where it can run.
    .limit = The rule card is an approximation. We judge it against the model, not against what customers want.

# Why the section on rules is left out.
personas-rules-few = No rule card: rules are learnt from some customers and judged on others. That takes two segments or more, each of { $least } customers or more.
personas-rules-withdrawn = The rule card is withdrawn. Rules give { PERCENT($agreement) } of customers left out their own segment ({ PERCENT($low) } to { PERCENT($high) }). That is not clearly more than the { PERCENT($majority) } that always naming the largest one reaches.

personas-attributes-unknown =
    .decision = Segments use no sensitive attribute. We do not know whether they stand for one.
    .size = Each attribute is known for too few customers, or is the same for all.
    .action = Do not guess attributes from segments.
    .limit = Observed among known customers only.
personas-attributes-differ =
    .decision = Segments use no sensitive attribute; watch whom an offer reaches all the same.
    .size = { $shown ->
            [0] Groups are too small to show an attribute by segment.
           *[other] { $distinct } of { $shown } shares of attributes differ by segment beyond a simultaneous interval.
        } Strongest association: { $strongest }, V = { NUM($v, digits: 2) }.
    .uncertainty = 95% interval of V { NUM($low, digits: 2) } to { NUM($high, digits: 2) }. { $known }
    .action = Do not guess attributes from segments; check who is reached in every test.
    .limit = Observed among known customers only.
personas-attributes-alike =
    .decision = Segments use no sensitive attribute, and none is seen to go with them.
    .size = { $shown ->
            [0] Groups are too small to show an attribute by segment.
           *[other] { $distinct } of { $shown } shares of attributes differ by segment beyond a simultaneous interval.
        } Strongest association: { $strongest }, V = { NUM($v, digits: 2) }.
    .uncertainty = 95% interval of V { NUM($low, digits: 2) } to { NUM($high, digits: 2) }. { $known }
    .action = Do not guess attributes from segments; check who is reached in every test.
    .limit = Observed among known customers only.
personas-attributes-known = Attributes are known for { $most ->
        [none] { $least } of the customers.
       *[apart] { $least } of the customers with the least sales and { $most } of those with the most.
    }

## The answer of the study, first on its page

personas-answer = { $groups ->
        [unasked] We did not look for groups of needs. { $why }
        [none] { $why }
        [natural] Customers fall into { $number ->
            [one] { $number } needs segment
           *[other] { $number } needs segments
        } that stand apart by { $goods ->
            [yes] what
           *[no] how
        } they buy.
       *[cut] Customers overlap: there are no sharp groups. We cut them into { $number ->
            [one] { $number } needs segment
           *[other] { $number } needs segments
        } by { $goods ->
            [yes] what
           *[no] how
        } they buy.
    } { $tiers ->
        [last] Value tiers say where to spend.
        [fade] Value tiers did not last, so they do not say where to spend.
       *[unknown] We do not know whether value tiers say where to spend, since { $untried }.
    }

## Does what marks a segment last?

personas-marks-unjudged = No need that marks a segment can be judged by later sales.
personas-marks-last = { $lasting } of the { $marks ->
        [one] { $marks } need that marks a segment still does
       *[other] { $marks } needs that mark a segment still do
    } so later ({ PERCENT($share) }).
personas-marks-random = { $draws ->
        [0] Groups around random customers have no marks to compare.
       *[other] Of groups around random customers, { PERCENT($share) } of marks last ({ PERCENT($low) } to { PERCENT($high) } over { $draws } draws, about { NUM($marks) } marks each).
    }
personas-marks-parts = Of { $grouping }, { $lasting } of { $marks } last.
personas-adds = { $verdict ->
        [more] So their marks last more often than those of random groups.
        [barely] So their marks last more often than those of random groups, but barely: with one lasting mark fewer, nothing would show it.
        [not-more] So nothing shows that their marks last more often than those of random groups.
       *[unknown] We do not know whether their marks last more often than those of random groups.
    }

## Persona cards

personas-worth = { NUM($customers) } customers ({ PERCENT($share_customers) }){ $share_sales ->
        [none] { "" }
       *[other] { " " }with { PERCENT($share_sales) } of sales
    }{ $sales_per_customer ->
        [none] ; their sales are withheld, as one of them might be known by it.
       *[other] : { MONEY($sales_per_customer) } per customer (95% interval { MONEY($low) } to { MONEY($high) }).
    }
# One difference, as a part of a sentence. Sizes are parts of the average, or times it.
personas-mark = { $way ->
        [share-times] spends { NUM($size, digits: 1) } times the average share on { $feature } ({ NUM($low, digits: 1) } to { NUM($high, digits: 1) } times{ $rests })
        [share-more] spends { $percent ->
            [8] an
            [11] an
            [18] an
            [80] an
            [81] an
            [82] an
            [83] an
            [84] an
            [85] an
            [86] an
            [87] an
            [88] an
            [89] an
           *[other] a
        } { PERCENT($size) } larger share on { $feature } than average ({ PERCENT($low) } to { PERCENT($high) }{ $rests })
        [share-less] spends { $percent ->
            [8] an
            [11] an
            [18] an
            [80] an
            [81] an
            [82] an
            [83] an
            [84] an
            [85] an
            [86] an
            [87] an
            [88] an
            [89] an
           *[other] a
        } { PERCENT($size) } smaller share on { $feature } than average ({ PERCENT($low) } to { PERCENT($high) }{ $rests })
        [times] { $feature } { NUM($size, digits: 1) } times the average ({ NUM($low, digits: 1) } to { NUM($high, digits: 1) } times{ $rests })
        [more] { $feature } { PERCENT($size) } above average ({ PERCENT($low) } to { PERCENT($high) }{ $rests })
        [less] { $feature } { PERCENT($size) } below average ({ PERCENT($low) } to { PERCENT($high) }{ $rests })
       *[means] { $feature } { NUM($size, digits: 2) } on average (all customers: { NUM($all, digits: 2) }{ $rests })
    }{ $others ->
        [none] { "" }
       *[some] ; also { $others }
    }
personas-marks-none = No difference from the average is clear, once many comparisons are allowed for.
personas-habit-same = No clear difference from the average in { $habits }.
personas-habit = { $feature } { PERCENT($mean) } (all: { PERCENT($average) })
personas-deals-high = { PERCENT($share) } are in the high third of deal proneness.
personas-attribute = { $attribute } { $level }: { PERCENT($share) } ({ PERCENT($low) } to { PERCENT($high) }; all known customers: { PERCENT($everyone) })
personas-attribute-none = No attribute differs clearly from all known customers.
personas-attribute-known = Known for { $part } of the segment.
personas-reliability = { $confidence ->
        [high] Reliable
        [good] Mostly reliable
        [fair] Partly reliable
        [low] Not shown to be reliable
       *[unknown] How reliable it is was not measured.
    }{ $recovery ->
        [none] { "" }
       *[known] : average overlap { PERCENT($recovery) } when we repeat the analysis ({ PERCENT($recovery_low) } to { PERCENT($recovery_high) }). { $reference ->
            [none] { "" }
           *[known] Customers without clusters reach { PERCENT($reference) }, at most { PERCENT($reference_high) }.
        } The segment dissolved in { PERCENT($dissolved) } of repetitions.
    } { $borderline } of its customers are borderline.
personas-confused = { $number ->
        [0] With none: there is no other segment.
       *[other] With { $names }.
    }
personas-confused-with = { $name } ({ $either_share ->
        [none] few of its customers
       *[known] { PERCENT($either_share) } of its customers could be in either
    })
personas-card-lasts = { $marks ->
        [0] Nothing that marks it can be judged by later sales.
        [one] Its one mark { $lasting ->
                [0] does not last
               *[other] lasts
            }
       *[other] { $lasting } of its { $marks } marks last
    }{ $marks ->
        [0] { "" }
       *[other] { $draws ->
                [0] .
               *[other] ; of groups around random customers, { PERCENT($random) } of marks last.
            }
    }{ $marks ->
        [0] { "" }
       *[other] { $verdict ->
                [more] { "" }
                [barely] { " " }Over all segments, marks barely outlast those of random groups.
                [not-more] { " " }Over all segments, marks are not shown to outlast those of random groups.
               *[unknown] { " " }Whether marks outlast those of random groups, we do not know.
            }
    }{ $marks ->
        [0] { "" }
       *[other] { $lasting ->
                [0] { "" }
               *[other] { " " }Later:
            }
    }

## What to do with a segment, in one line

personas-action = { $branch ->
        [offer] Offer { $offer }; try it on a random half first.
        [serve] Serve by how they buy; try it on a random half first.
        [remind] Treat by activity: remind those who are slowing, leave the others alone.
       *[wait] Wait for more orders before treating them differently.
    }

# Names that a person gave to segments.
personas-own-names = { $branch ->
        [none] All names come from the themes.
        [same] Names from the run file replace the drawn ones: they are of this model ({ $model }).
        [other] Names from the run file are set aside: they are of another model. This one is { $model }. Look at its segments, name them anew, and write that model under `segments:`.
       *[unbound] Names from the run file replace the drawn ones. Write `model: "{ $model }"` under `segments:`, so that another model's segments do not get them.
    }

## Figures: titles and what they show, the finding first

personas-title-largest = { $name } is the largest { $whole ->
        [yes] part of sales
       *[no] segment by sales
    }, with { PERCENT($share) }
personas-alt-sizes = { $whole ->
        [yes] { $name } holds the largest part of sales, { PERCENT($share) }.
       *[no] { $name } is the largest segment by sales, with { PERCENT($share) }.
    } Mosaic: height is share of customers, width is sales per customer, area is sales. The table above holds the numbers.
personas-alt-index = { $index ->
        [none] No index is known.
       *[known] The index farthest from 100 is that of { $feature } in { $name }: { NUM($index) }.
    } Heat map of the index of each need in each segment, darker the higher. Markers are bold.
personas-alt-profiles = Bars are mean shares of a segment, dots those of all classified customers. Markers are in colour and bold. The numbers stand beside the bars.
personas-alt-planes = { $most ->
        [none] How many customers could be in two segments must not be shown.
       *[known] Segments overlap: up to { PERCENT($most) } of a segment's customers could be in another.
    } Ellipses hold the middle half of each segment, in planes that separate them best.
personas-title-golden = { $number ->
        [one] { $number } question places
       *[other] { $number } questions place
    } { PERCENT($share) } of customers
personas-alt-golden = { $number ->
        [one] { $number } question gives
       *[other] { $number } questions give
    } { PERCENT($share) } of customers their own segment; always naming the largest gives { PERCENT($majority) }. Dots with 95% intervals; the table below holds the numbers.
personas-alt-tree = The rules give { PERCENT($share) } of customers left out their own segment. Questions and answers as an indented list; the table below holds the same rules.

# Whom attributes are known for: the caption of their table.
personas-known-for = { $whom ->
        [better] Attributes are known more often for customers with more sales
        [lesser] Attributes are known more often for customers with less sales
       *[alike] Whom attributes are known for, by sales
    }
