# over_log.gp - throughput over a logarithmic axis. xname names it; xkind is "bytes" or "us" (microseconds).
set xlabel xname
set ylabel what . " (" . unit_text . ")"
set logscale x
stats data using "x" nooutput name "x"
set xrange [x_min * 0.75 : x_max * 1.35]
if (xkind eq "us") set xtics ("1 µs" 1, "10 µs" 10, "100 µs" 100, "1 ms" 1000, "10 ms" 10000, "100 ms" 100000)
if (xkind eq "bytes") set xtics (10, 20, 40, 100, 200, 400, "1000" 1000, "2000" 2000)
set yrange [0 : speed_max * unit * headroom]
plot for [i = 1:words(lines)] data using (mine(i) ? column("x") : NaN):(scaled(metric)):(scaled(metric . "_min")): \
    (scaled(metric . "_max")) with yerrorlines linestyle style_of(i) title title_of(word(lines, i))
