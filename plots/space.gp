# space.gp - versions that are not the live one of a row, per row; one group a workload, one bar a GC interval.
set ylabel "versions / rows - 1"
set style fill solid 0.85 border rgb "#303030"
set boxwidth 0.3
load "plots/categories.gp"
stats data using (column("versions_max") - 1) nooutput name "over"
set xrange [0.4 : place_max + 0.6]
set yrange [0 : over_max > 0 ? over_max * 1.35 : 1]
set format y "%.3g"
n = words(lines)
name_of(id) = id eq "write-contended" ? "50%% reads,\ntheta 0.99" : id eq "write-uniform" ? "50%% reads,\nuniform" : \
    id eq "read-contended" ? "95%% reads,\ntheta 0.99" : id eq "warehouses-threads" ? "warehouses\n= threads" : \
    title_of(id)
interval(us) = us + 0 >= 1000 ? sprintf("%g ms", us / 1000.) : sprintf("%g µs", us + 0)
at_x(i) = column("place") + (i - (n + 1) / 2.) * 0.34
set bmargin 10
set xtics (name_of(word(categories, 1)) 1)
do for [p = 2:words(categories)] { set xtics add (name_of(word(categories, p)) p) }
plot for [i = 1:n] data using (mine(i) ? at_x(i) : NaN):(column("versions") - 1) with boxes linestyle 20 + i \
    dashtype 1 linewidth 1 title "collection every " . interval(real(word(lines, i))), \
    for [i = 1:n] data using (mine(i) ? at_x(i) : NaN):(column("versions_min") - 1):(0): \
    (column("versions_max") - column("versions_min")) with vectors nohead linecolor rgb "black" dashtype 1 \
    linewidth 1.5 notitle
