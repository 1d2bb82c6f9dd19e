# Words of notebook 7 of a customer table. A finding is a message; its attributes are its parts.

# --- Why a section is left out
table-keep-no-second = There is no second file, so nothing is compared: name one under second_file of 07_refinement.
table-keep-few = The second file is not compared: it needs { $least } customers.
table-keep-no-segments = Segments are not followed: there are none that can be used.
table-keep-no-panel = Movement of customers is not measured: fewer than { $least } are in both files with enough answers.
table-keep-one = Movement of customers is not measured: there is one segment.
table-keep-no-refit = No refit is made: { $segments } segments need { $needed } customers with enough answers in the second file.

# --- What do we compare?
table-keep-read = The second file has { NUM($after) } customers, the first { NUM($before) }. { $both ->
        [none] Fewer than 10 are in both: the files are two samples.
       *[other] { $both } of the second file are in the first one too.
    }

# --- Have answers changed?
table-keep-drift-title = { $branch ->
        [none] Spread of columns: none of { $columns } beyond its limit
       *[other] Spread of columns: { $beyond } of { $columns } beyond their limits
    }
table-keep-drift =
    .decision = { $branch ->
        [builders] Check how these columns were asked and recorded: { $named }.
        [others] Trust what builds the segments: only other columns changed.
       *[none] Trust the columns: none changed more than two samples of customers differ.
    }
    .size = { $beyond ->
        [0] None of { $columns } columns is beyond its limit.
        [one] 1 of { $columns } columns is beyond its limit, { $builders } of those that build.
       *[other] { $beyond } of { $columns } columns are beyond their limits, { $builders } of those that build.
    } The largest index is { NUM($ratio, digits: 1) } times its limit.
    .limit = Limits hold the chance of any false alarm; a small change in few customers stays unseen.

# --- Are shares the same?
table-keep-shares-title = { $beyond ->
        [0] Shares of segments: no clear change
       *[other] Shares of segments: { $beyond } of { $segments } clearly changed
    }

# --- Who moved?
table-keep-moved-title = { $noise ->
        [none] Customers in another segment: { $moved }
       *[other] { $moved } are in another segment; { PERCENT($noise, digits: 1) } would be by noise alone
    }
table-keep-movement =
    .decision = { $branch ->
        [more] { $paths ->
            [none] Give customers their new segment: they moved more than answers wobble.
           *[other] Give customers their new segment, and look at { $paths }.
        }
        [less] Leave customers in their segment: fewer moved than answers wobble.
       *[open] Leave customers in their segment: movement is not clearly more than noise.
    }
    .size = Of { NUM($customers) } customers in both files, { $moved } are in another segment. { $noise ->
        [none] { "" }
       *[other] By noise alone { PERCENT($noise, digits: 1) } would be: { SIGNED($excess, digits: 1) } points beyond it.
    }
    .uncertainty = { $low ->
        [none] { "" }
       *[other] 95% interval beyond noise: ({ SIGNED($low, digits: 1) } to { SIGNED($high, digits: 1) } points).
    }
    .limit = A mood that moves all answers of a customer counts as movement: only a third file could tell it apart.

# --- What do we decide?
table-keep-match-title = { $kept } of { $segments } segments live on in a refit
table-keep-decision =
    .decision = { $branch ->
        [keep] Keep the segments: nothing in the second file speaks against them.
        [watch] Keep the segments and watch them: { $why }.
       *[re-segment] Build the segments anew, from notebook 3 on, with the second file.
    }
    .size = { $branch ->
        [re-segment] Reasons: { $why }.
       *[other] { "" }
    } { $weakest ->
        [none] { $segments ->
            [0] There are no segments to refit.
           *[other] No refit was made.
        }
       *[other] In a refit { $kept } of { $segments } segments live on; the smallest overlap is { PERCENT($weakest) }.
    }
    .uncertainty = { $weakest ->
        [none] { "" }
       *[other] Of the answers of unseen customers the refit explains { SIGNED($gain, digits: 1) } points more ({ SIGNED($gain_low, digits: 1) } to { SIGNED($gain_high, digits: 1) }); { SIGNED($min_gain, digits: 1) } would be worth it.
    }
    .limit = Two files show one change. A third one says whether it lasts.
table-keep-nothing =
    .decision = Ask the same questions again before you trust these segments for long.
    .size = There is no second file, so nothing is known of how segments last.
    .limit = Two halves of one file would show how certain segments are, and no change in time.
