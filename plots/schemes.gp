# schemes.gp - systems side by side over skew: a row of plots for each number of threads, and one with the aborts at the
# most threads; a column for each share of reads. See figure.gp for the variables; a line is "system-reads-threads".
width = 980
before = lines # figure.gp counts the systems for its key
part(line, i) = word(spaced(line), i)
spaced(line) = strstrt(line, "-") == 0 ? line : \
    line[1:strstrt(line, "-") - 1] . " " . spaced(line[strstrt(line, "-") + 1:])
listed(list, text) = int(sum [l_ = 1:words(list)] (word(list, l_) eq text ? 1 : 0)) > 0
array places[3]
do for [p = 1:3] {
    places[p] = ""
    do for [l = 1:words(before)] {
        if (!listed(places[p], part(word(before, l), p))) { places[p] = places[p] . " " . part(word(before, l), p) }
    }
}
load "plots/systems.gp" # its order of systems is the key's
lines = ""
do for [i = 1:words(systems)] {
    if (listed(places[1], word(systems, i))) { lines = lines . " " . word(systems, i) }
}
do for [i = 1:words(places[1])] {
    if (!listed(systems, word(places[1], i))) { lines = lines . " " . word(places[1], i) }
}
reads = places[2]
workers = places[3]
height = 170 + 220 * (words(workers) + 1)
heading = "Schemes side by side: YCSB, 16 requests"
load "plots/figure.gp"
load "plots/categories.gp"
columns = words(reads)
rows = words(workers) + 1 # the last one has the aborts
wide = 0.78 / columns
high = (0.9 - 0.17) / rows
stats data using (column("aborts_max") * 100) nooutput name "most"
of(i, r, w) = strcol("line") eq word(lines, i) . "-" . word(reads, r) . "-" . word(workers, w)
at_place(i, r, w) = of(i, r, w) ? column("place") : NaN
set label 1 at screen 0.02, screen 0.12
set ytics font small
set xtics font small
set xtics (word(categories, 1) 1)
do for [p = 2:words(categories)] { set xtics add (word(categories, p) p) }
set xrange [0.7 : place_max + 0.3]
set multiplot
do for [row = 1:rows] {
    do for [r = 1:columns] {
        set lmargin at screen 0.09 + (r - 1) * wide
        set rmargin at screen 0.09 + r * wide - 0.055
        set tmargin at screen 0.9 - (row - 1) * high - 14. / height
        set bmargin at screen 0.9 - row * high + 48. / height
        unset key
        if (row == 1 && r == columns) { set key at screen 0.985, screen 0.88 right top noopaque }
        set title sprintf("%g%% reads", real(word(reads, r)) * 100) . \
            (row < rows ? ", " . word(workers, row) . (word(workers, row) eq "1" ? " thread" : " threads") : \
            ", " . word(workers, rows - 1) . (rows == 2 && word(workers, 1) eq "1" ? " thread" : " threads")) \
            font small offset 0, -0.7
        unset xlabel
        if (row == rows) { set xlabel "zipf theta" font small offset 0, 0.5 }
        unset ylabel
        if (r == 1) { set ylabel (row == rows ? "aborted (%)" : unit_text) font small offset 1.5, 0 }
        if (row == rows) {
            set yrange [0 : most_max > 0 ? most_max * 1.1 : 1]
            plot for [i = 1:words(lines)] data using (at_place(i, r, row - 1)):(column("aborts") * 100): \
                (column("aborts_min") * 100):(column("aborts_max") * 100) with yerrorlines linestyle style_of(i) notitle
        } else {
            set yrange [0 : *]
            plot for [i = 1:words(lines)] data using (at_place(i, r, row)):(scaled(metric)):(scaled(metric . "_min")): \
                (scaled(metric . "_max")) with yerrorlines linestyle style_of(i) title title_of(word(lines, i))
        }
        unset label 1
        unset label 3
        unset label 4
    }
}
unset multiplot
