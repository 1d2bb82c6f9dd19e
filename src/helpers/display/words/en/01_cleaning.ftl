# Words of notebook 1. A finding is a message; its attributes are the parts of a finding.

### The clock

busiest-hour = Times are those of the run's zone, { $zone }. { $hours ->
    [1] { $hour ->
        [0] The dates carry no time.
       *[other] All lines are of one hour, { $hour }:00.
    }
   *[other] The busiest hour is { $hour }:00.
}

clock-alone =
    .decision = The tills show { $zone } time.
    .size = { PERCENT($met, digits: 1) } of coupon redemptions meet an order of the same day. Read in { $other }, { PERCENT($other_met, digits: 1) } would.
    .uncertainty = { PERCENT($week, digits: 1) } of lines lie in the week that their date gives.
    .action = Trust features of hour and weekday.
    .limit = The calendar year itself is a label given by the packagers.

clock-alike =
    .decision = Read the times as { $zone }, and read hours with care.
    .size = { PERCENT($met, digits: 1) } of coupon redemptions meet an order of the same day. Read in { $other }, { PERCENT($other_met, digits: 1) } would.
    .uncertainty = Another zone fits these facts as well.
    .action = Ask the source which clock its tills show.
    .limit = The calendar year itself is a label given by the packagers.

### Rules and reconciliation

rules-asked = { $rules ->
    [0] This run switches every rule off: no line is set aside.
   *[other] Asked in this order: { $names }.
}

usable =
    .decision = { PERCENT($share, digits: 1) } of order lines are fit for use{ $branch ->
        [whole] , and no sale is lost.
       *[part] , with { MONEY($sales) } of sales.
    }
    .size = { $lines } lines, { $orders } orders, { $customers } customers, { MONEY($sales) } sales. { $rejected ->
        [0] No line was set aside.
        [one] 1 line was set aside: { $reasons }.
       *[other] { $rejected } lines were set aside: { $reasons }.
    }
    .uncertainty = None, since nothing is estimated: { $received } received lines less { $rejected } are { $lines } clean ones, and money adds up to the cent.
    .action = Use the clean tables{ $rejected ->
        [0] .
       *[other] . Look into rejected_lines before you count what was set aside.
    }
    .limit = { $limit ->
        [none] What the source leaves out cannot be counted.
        [withheld] What the lines set aside were worth is withheld: most of it is one customer's.
        [coupons] Set aside with these lines: { MONEY($gone) } of sales and { MONEY($coupons) } of coupons.
       *[sales] Set aside with these lines: { MONEY($gone) } of sales.
    }

### Customers and needs

dominance = { $branch ->
    [nothing] Sales add up to { MONEY($sales, digits: 2) }: no customer has a share of them.
   *[other] The largest customer holds { $largest } of sales{ $ten ->
        [none] .
       *[other] , the largest ten { PERCENT($ten, digits: 1) }.
    }
} { $branch ->
    [large] This customer moves every mean that includes it: read medians.
   *[other] { "" }
}

pooled-needs = { $small ->
    [0] Every need keeps its name.
    [one] 1 small need is put together with others as “other”.
   *[other] { $small } small needs are put together as “other”.
}

needs-title = { $branch ->
    [largest] { $need } is the largest need, with { PERCENT($share) } of sales
   *[plain] Sales by need
}

goods = { $branch ->
    [withheld] What goods alone were sold for is withheld: few customers bought the rest.
    [nothing] Goods are { MONEY($goods) }.
   *[known] { PERCENT($unknown, digits: 2) } of sales could not be given a need. Goods, without what is no merchandise, are { MONEY($goods) }.
}

### Time

weeks-title = { $branch ->
    [steady] Orders per week stay within { PERCENT($away) } of their mean
   *[moving] Orders per week differ from their mean by up to { PERCENT($away) }
}

no-full-week = Left out, since the lines lie in { $weeks ->
    [one] 1 week
   *[other] { $weeks } weeks
}, of which none is known to be whole; orders per week need three.

first-seen = { $branch ->
    [short] Customers first appear within { $days ->
        [one] 1 day
       *[other] { $days } days
    }: who is new cannot be seen here.
    [already] { $share } first appear in the first quarter of the time: they were customers before. New customers cannot be distinguished from old ones here.
   *[later] { $share } first appear in the first quarter of the time; the others come later, so some starts are seen.
}

### Attributes and campaigns

no-attributes = No table customers with attributes: segments are described by orders alone.

no-campaigns = This run has no campaigns: the section needs campaigns, contacts and responses.

campaigns = { $contacts ->
    [0] Nobody was contacted: there is nothing to count.
   *[other] { $control ->
        [yes] A part of customers was left out at random: an effect can be estimated.
       *[no] There is no control group, and contacts followed past purchases. Conversion can be counted, an effect cannot.
    }
}

no-clock = No table of this source proves the zone: times are taken as the run gives them.
