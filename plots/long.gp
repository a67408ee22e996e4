# long.gp - long transactions beside short ones: a column of plots for each workload, a row for each target. See
# figure.gp for the variables. Everything is read from the rows of the transaction types in `csv`; each repetition is a
# mark of its own.
heading = "Long transactions beside short ones"
width = 1120
height = 1000
load "plots/figure.gp"
unset key
unset offsets
unset ylabel

# ---- What is drawn. ----
workloads = "ycsb scan tpcc bomb"
workload_names = "YCSB, 1,000 requests|scan of 10,000 records|TPC-C, Delivery|BoMB, costs of a factory"
long_types = "long scan delivery update_product_cost"
short_types = "read_write update new_order update_material_cost"
short_names = "16 requests|update|New-Order|costs of a material"
type_is(w, types) = strcol("workload") eq word(workloads, w) && strcol("txn_type") eq word(types, w)
row_of(target) = place_in(lines, target)
height_of(target) = -row_of(target)
beyond = 1e-9 # left of every axis: gnuplot complains of data without a point
at(w, types, value) = type_is(w, types) && row_of(strcol("target")) > 0 ? value : beyond
a_second(count) = column(count) / column("window_s")
commits_at(w, types) = at(w, types, column("commits") > 0 ? a_second("commits") : beyond)
none_at(w) = at(w, long_types, column("commits") > 0 ? beyond : nothing)
given_up_at(w, types) = at(w, types, column("given_up") > 0 ? a_second("given_up") : beyond)
attempts_text(w) = type_is(w, long_types) && strcol("repetition") eq "1" && column("commits") > 0 ? \
    sprintf("%.3g", column("attempts_per_commit")) : ""
latency_at(w, name) = at(w, long_types, column("commits") > 0 && strcol(name) ne "" ? column(name) / 1e6 : beyond)
y = "(height_of(strcol('target')))"

# ---- The panels. ----
set border 3
set yrange [-words(lines) - 0.6 : -0.4]
set logscale x
unset grid
set grid xtics linecolor rgb "#d0d0d0" linetype 1 linewidth 0.5
set for [i = 1:words(lines)] arrow 100 + i from graph 0, first -i to graph 1, first -i nohead back \
    linecolor rgb "#ececec" linewidth 1
set xtics font tiny
names_on = "set for [i = 1:words(lines)] ytics add (title_of(word(lines, i)) -i) font small"
array lefts = [0.105, 0.33, 0.555, 0.78]
array tops = [0.872, 0.628, 0.365]
panel_width = 0.17
panel_height = 0.172
nothing = 0.3 # a second: where those stand that never commit
rates = "set xrange [nothing * 0.6 : 5e7]; " . \
    "set xtics ('0' nothing, '1' 1, '100' 100, '10k' 1e4, '1M' 1e6)"
latencies_ = "set xrange [0.005 : 2000]; set xtics ('10 µs' 0.01, '1 ms' 1, '100 ms' 100)"
array row_names = ["long ones that committed, a second; at the right end attempts a commit; red: ring none, " . \
    "× given up, a second", "time until a long one committed: ● half of them, △ 99%, + the longest", \
    "short ones that committed, a second"]
blue = "#0072B2"; red = "#D55E00"; grey = "#606060"

set multiplot
do for [w = 1:4] {
    do for [row = 1:3] {
        set lmargin at screen lefts[w]
        set rmargin at screen lefts[w] + panel_width
        set tmargin at screen tops[row]
        set bmargin at screen tops[row] - panel_height
        set title (row == 1 ? one_of(workload_names, w) : row == 3 ? one_of(short_names, w) : "") \
            font small offset 0, -0.4
        unset ytics
        if (w == 1) {
            set ytics () scale 0
            @names_on
            set label 5 row_names[row] at screen 0.02, screen tops[row] + (row == 2 ? 0.014 : 0.04) left font small
        }
        if (row == 2) { @latencies_ } else { @rates }
        if (row == 1) {
            plot csv using (commits_at(w, long_types)):@y with points pointtype 7 pointsize 0.9 linecolor rgb blue, \
                csv using (none_at(w)):@y with points pointtype 6 pointsize 1.1 linewidth 2 linecolor rgb red, \
                csv using (given_up_at(w, long_types)):@y with points pointtype 2 pointsize 0.9 linewidth 1.5 \
                    linecolor rgb red, \
                csv using (at(w, long_types, 3e7)):@y:(attempts_text(w)) with labels right font tiny
        }
        if (row == 2) {
            plot csv using (latency_at(w, "latency_p50_ns")):@y with points pointtype 7 pointsize 0.9 \
                    linecolor rgb blue, \
                csv using (latency_at(w, "latency_p99_ns")):@y with points pointtype 8 pointsize 0.9 \
                    linecolor rgb blue, \
                csv using (latency_at(w, "latency_max_ns")):@y with points pointtype 1 pointsize 0.9 \
                    linecolor rgb grey
        }
        if (row == 3) {
            plot csv using (commits_at(w, short_types)):@y with points pointtype 5 pointsize 0.8 linecolor rgb grey, \
                csv using (given_up_at(w, short_types)):@y with points pointtype 2 pointsize 0.9 linewidth 1.5 \
                    linecolor rgb red
        }
        unset label
    }
}
unset multiplot
