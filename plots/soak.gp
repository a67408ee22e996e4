# soak.gp - resident memory and versions over the time of a soak, one panel each, one line a workload, as shares of
# their mean. Besides style.gp's: data = series.csv of scripts/soak.
load "plots/style.gp"
workloads = "churn append ycsb"
title_of(w) = w eq "churn" ? "churn: rows come, change size and go" : w eq "append" ? "append: lists change size" : \
    "ycsb: zipfian updates against snapshots"
mine(w, name) = strcol("workload") eq w ? column(name) : NaN
array memory_mean[3]
array versions_mean[3]
do for [i = 1:3] {
    stats data using (mine(word(workloads, i), "memory_mib")) nooutput name "s"
    memory_mean[i] = s_mean
    stats data using (mine(word(workloads, i), "versions")) nooutput name "s"
    versions_mean[i] = s_mean
}
set xlabel "minutes"
set yrange [0:*]
set multiplot layout 1, 2 title "Soak: memory and versions over time, live data constant" font "DejaVu Sans,14" \
    margins 0.07, 0.98, 0.23 + caption_height, 0.87 spacing 0.09, 0.1
set key at screen 0.5, screen 0.15 center center vertical maxrows 3
set title "resident memory / its mean"
plot for [i = 1:3] data using "minutes":(mine(word(workloads, i), "memory_mib") / memory_mean[i]) with lines \
    linetype i title title_of(word(workloads, i)) . sprintf(", %.0f MiB", memory_mean[i])
unset label 1
unset key
set title "versions in the tables / their mean"
plot for [i = 1:3] data using "minutes":(mine(word(workloads, i), "versions") / versions_mean[i]) with lines linetype i
unset multiplot
