# over_categories.gp - throughput over values that stand at equal distances, as in the paper. xname names the axis.
set xlabel xname
set ylabel what . " (" . unit_text . ")"
load "plots/categories.gp"
set xtics (word(categories, 1) 1)
do for [p = 2:words(categories)] { set xtics add (word(categories, p) p) }
set xrange [0.6 : place_max + 0.4]
set yrange [0 : speed_max * unit * headroom]
if (!many) set key top right
plot for [i = 1:words(lines)] data using (mine(i) ? column("place") : NaN):(scaled(metric)):(scaled(metric . "_min")): \
    (scaled(metric . "_max")) with yerrorlines linestyle style_of(i) title title_of(word(lines, i))
