# over_backoff.gp - throughput (left) and aborts (right) over the fixed bound of the back-off, and both with the
# automatic bound as level lines; the band is from minimum to maximum.
set xlabel "largest back-off (µs)"
set ylabel what . " (" . unit_text . ")"
set y2label "aborts (%)" offset -1, 0
set y2tics
set rmargin 10
set xrange [-0.4 : 18]
set yrange [0 : speed_max * unit * 1.45]
stats data using (column("aborts_max") * 100) nooutput name "aborts"
set y2range [0 : aborts_max > 0 ? aborts_max * 2.2 : 1]
line(id, c) = strcol("line") eq id ? column(c) : NaN
set table $auto
plot data using (strcol("line") eq "auto" ? column("throughput") : NaN):(column("throughput_min")): \
    (column("throughput_max")):(column("aborts")) with table if (strcol("line") eq "auto")
unset table
speed = NaN; low = NaN; high = NaN; aborted = NaN
set datafile separator whitespace
unset datafile columnheaders
set table $unused
plot $auto using (speed = $1 * unit, low = $2 * unit, high = $3 * unit, aborted = $4 * 100, 0) with table
unset table
set datafile separator comma
set datafile columnheaders
if (low == low) set object 2 rectangle from graph 0, first low to graph 1, first high fillcolor rgb "#0072B2" \
    fillstyle solid 0.15 noborder behind
set key top left maxrows 2 noopaque samplen 1.5 width -4 font ",11"
plot speed with lines linecolor rgb "#0072B2" linewidth 2 dashtype 1 title "automatic", \
    data using (line("manual", "x")):(scaled("throughput")):(scaled("throughput_min")):(scaled("throughput_max")) \
    with yerrorlines linestyle 22 title "fixed", \
    aborted axes x1y2 with lines linecolor rgb "#606060" linewidth 1.4 dashtype (10, 5) title "aborts, auto.", \
    data using (line("manual", "x")):(column("aborts") * 100) axes x1y2 with linespoints linecolor rgb "#606060" \
    linewidth 1.2 pointtype 4 pointsize 0.6 dashtype (12, 4, 3, 4) title "aborts, fixed"
