# databases.gp - databases and schemes side by side: a row of plots for each workload, left what promises nothing about
# a crash, right what does; below them what each step costs: SQL, a socket, a disk. See figure.gp for the variables; a
# line is "workload-durability-isolation", with _ for blanks.
heading = "Other databases behind the same requests"
width = 1000
height = 1130
load "plots/figure.gp"
load "plots/categories.gp"
unset key
unset offsets

# ---- The systems, grouped by how they are called. ----
groups = "calls within the process|SQL within the process|a server, over a socket|others"
array colours = [0x0072B2, 0x009E73, 0xD55E00, 0x404040]
ids = "native silo tictoc twopl lmdb wiredtiger rocksdb rocksdb-optimistic sql sqlite redis postgresql"
group_ends = "8 10 12" # the last of each group
names = "Maemio|Silo|TicToc|2PL|LMDB|WiredTiger|RocksDB, locks|RocksDB, optimistic|Maemio, by SQL|SQLite|Redis|" . \
    "PostgreSQL (SQL)"
known = words(ids)
do for [p = 1:words(categories)] {
    if (place_in(ids, word(categories, p)) == 0) { ids = ids . " " . word(categories, p) }
}
name(i) = i <= known ? one_of(names, i) : word(ids, i)
group(i) = i <= word(group_ends, 1) ? 1 : i <= word(group_ends, 2) ? 2 : i <= word(group_ends, 3) ? 3 : 4

# ---- What there is of them. ----
part(line, n) = n == 1 ? line[1:strstrt(line, "-") - 1] : part(line[strstrt(line, "-") + 1:] . "-", n - 1)
promise(line) = part(line . "-", 3)
serializable = "serializable"
array weaker[words(ids)]
array rows[words(ids)]
do for [i = 1:words(ids)] { weaker[i] = ""; rows[i] = 0 }
see(i, says) = i == 0 ? 0 : (rows[i] = 1, says eq serializable ? 0 : (weaker[i] = says, 0))
set table $unused
plot data using (see(place_in(ids, strcol("x")), promise(strcol("line")))) with table
unset table
# Footnotes: what the others promise.
notes = ""
noted(w) = w eq "" || place_in(notes, w) > 0 ? 0 : (notes = notes . " " . w, 0)
do for [i = 1:words(ids)] { unused = noted(weaker[i]) }
said(w) = w eq "" ? "" : " " . substr("¹²³", place_in(notes, w), place_in(notes, w))
plain(w) = strstrt(w, "_") == 0 ? w : w[1:strstrt(w, "_") - 1] . " " . plain(w[strstrt(w, "_") + 1:])
footnote = ""
do for [n = 1:words(notes)] {
    footnote = footnote . "   " . substr("¹²³", n, n) . " " . plain(word(notes, n))
}
bottom = 0 # of the lowest row; each group begins with a row for its name
before = 0
array heads[4]
do for [g = 1:4] { heads[g] = 0 }
do for [i = 1:words(ids)] {
    if (rows[i] > 0) {
        if (group(i) != before) { bottom = bottom + 1.1; before = group(i); heads[before] = bottom }
        bottom = bottom + 1
        rows[i] = bottom
    }
}

# ---- Panels. ----
workloads = "ycsb tpcc"
workload_names = "YCSB|TPC-C"
acknowledged(end) = strcol("acknowledged") eq "" ? column("throughput" . end) : column("acknowledged" . end)
is_here(w, durable) = part(strcol("line"), 1) eq word(workloads, w) && \
    (part(strcol("line"), 2) eq "off") == !durable && place_in(ids, strcol("x")) > 0
durability_of(line) = part(line, 2)
# A circle, a triangle, a square; hollow where the promise is less.
mark_of(line) = (durability_of(line) eq "off" ? 7 : durability_of(line) eq "group" ? 9 : 5) - \
    (promise(line) eq serializable ? 0 : 1)
at(w, durable) = is_here(w, durable) ? acknowledged("") : NaN
row_of(i) = place_in(ids, strcol("x"))
height_of(i) = -rows[row_of(i)]
colour_of(i) = colours[group(row_of(i))]
stats data using (acknowledged("_min")) nooutput name "least"
stats data using (acknowledged("_max")) nooutput name "most"
fewest = 10 ** floor(log10(least_min * 0.9))
farthest = most_max * 8 # room for the number beside the last mark
short(v) = v >= 999.5e3 ? sprintf("%.3gM", v / 1e6) : v >= 999.5 ? sprintf("%.3gk", v / 1e3) : sprintf("%.3g", v)
set logscale x
set xrange [fewest : farthest]
lowest = -bottom - 0.7
set yrange [lowest : -0.4]
set xtics font small
set xtics ("1" 1, "10" 10, "100" 100, "1k" 1e3, "10k" 1e4, "100k" 1e5, "1M" 1e6, "10M" 1e7)
unset grid
set grid xtics linecolor rgb "#d0d0d0" linetype 1 linewidth 0.5

# What cannot be durable, or was not measured so.
array durable_rows[2 * words(ids)]
array panels[4] # whether they have points
do for [i = 1:4] { panels[i] = 0 }
drawn(n) = (panels[n] = 1, 0)
see_durable(w) = is_here(w, 1) ? (durable_rows[(w - 1) * words(ids) + row_of(0)] = 1, drawn(2 * w)) : \
    is_here(w, 0) ? drawn(2 * w - 1) : 0
do for [i = 1:2 * words(ids)] { durable_rows[i] = 0 }
set table $unused
plot data using (see_durable(1) + see_durable(2)) with table
unset table

# ---- What each step costs: rows of "system durability, row that it is compared with". ----
steps = "native off 0|sql off 1|sqlite off 2|postgresql off 3|native group 1|native sync 1|sqlite sync 3|" . \
    "postgresql group 4"
step_names = "Maemio, calls|+ SQL: Maemio below SQLite|SQLite's own engine below|+ socket: PostgreSQL|" . \
    "Maemio, goes on meanwhile (group)|Maemio, waits for a flush (sync)|SQLite, waits for a flush (sync)|" . \
    "PostgreSQL, waits likewise (group)"
step_count = 8
step(s, n) = word(one_of(steps, s), n)
array found[5] # worker's time, CPU time of the program and of the server, commits, round trips
look(w, s) = strcol("x") eq step(s, 1) && part(strcol("line"), 1) eq word(workloads, w) && \
    durability_of(strcol("line")) eq step(s, 2)
take_step(n) = (found[1] = column("worker_ns"), found[2] = column("client_cpu_s"), found[3] = column("server_cpu_s"), \
    found[4] = column("commits"), found[5] = column("round_trips"), n)
us(v) = v != v ? "" : v >= 99.5 ? sprintf("%.0f", v) : sprintf("%.3g", v)
times(v) = v >= 9.95 ? sprintf("× %.0f", v) : sprintf("× %.2g", v)
against(s, base) = base == 0 || took[s] != took[s] || took[base] != took[base] ? "" : \
    times(took[s] / took[base]) . sprintf(" of %d", base)
array took[step_count]
array rights = [0.265, 0.335, 0.39, 0.435, 0.475] # where the numbers of the left table end
titles_ = "worker's|against|program|server|round"
below_ = "time, µs|row|CPU, µs|CPU, µs|trips"
line_step = 15. / height
table_top = 0.217
tag = 100
do for [w = 1:2] {
    across = (w - 1) * 0.5
    set label tag one_of(workload_names, w) . ": what each step costs a commit" at screen 0.02 + across, \
        screen table_top + 2.2 * line_step font small
    do for [c = 1:5] {
        set label tag + c one_of(titles_, c) . "\n" . one_of(below_, c) at screen rights[c] + across, \
            screen table_top + line_step right font tiny textcolor rgb "#505050"
    }
    tag = tag + 6
    do for [s = 1:step_count] {
        do for [c = 1:5] { found[c] = NaN }
        set table $unused
        plot data using (look(w, s) ? take_step(0) : 0) with table
        unset table
        took[s] = found[1] / 1e3
        high = table_top - (s + (s > 4 ? 0.3 : 0)) * line_step
        set label tag sprintf("%d  ", s) . one_of(step_names, s) at screen 0.02 + across, screen high font tiny
        cells = (took[s] != took[s] ? "not measured" : us(took[s])) . "|" . against(s, int(step(s, 3))) . "|" . \
            us(found[2] / found[4] * 1e6) . "|" . us(found[3] / found[4] * 1e6) . "|" . us(found[5])
        do for [c = 1:5] {
            set label tag + c one_of(cells, c) at screen rights[c] + across, screen high right font tiny
        }
        tag = tag + 6
    }
}

# ---- The key and the caption: what marks mean, how it was measured, what is missing. ----
disk = ""
set table $unused
plot csv using (strcol("log_disk") eq "" ? 0 : (disk = "logs and files on " . cut(strcol("log_disk"), 50), 0)) \
    with table
unset table
runs = runs_max == 1 ? "one run each, of " : sprintf("marks: medians of %d runs of ", runs_max)
spread = runs_max == 1 ? "" : ", bars: minimum to maximum"
ended(text, by) = strstrt(text, by) > 0 ? text[1:strstrt(text, by) - 1] : text
brief(entry) = ended(entry, ": ") . ": " . ended(ended(entry[strstrt(entry, ": ") + 2:], ":"), " (")
absent = ""
entries = left_out
while (entries ne "") {
    absent = absent . (absent eq "" ? "\nleft out: " : ", ") . brief(ended(entries, "|"))
    entries = strstrt(entries, "|") > 0 ? entries[strstrt(entries, "|") + 1:] : ""
}
set label 1 runs . window . " s" . spread . "; as many clients as CPUs, each waits for its answer; " . \
    disk . "\n" . cut(facts, 140) . "\n" . (terms eq "" ? "" : terms . "\n") . cut(machine, 110) . "; " . \
    cut(made, 80) . absent \
    at screen 0.02, screen 0.067
set label 2 "●  off    ▲  group: flushes are shared; Maemio's calls go on before the answer, others wait for it    " . \
    "■  sync: each commit waits for a flush" . \
    (footnote eq "" ? "" : "\nhollow: less than serializable:" . footnote) at screen 0.5, screen 0.938 center font tiny
set multiplot
do for [w = 1:2] {
    do for [durable = 0:1] {
        set lmargin at screen durable ? 0.595 : 0.19
        set rmargin at screen durable ? 0.985 : 0.575
        set tmargin at screen 0.887 - (w - 1) * 0.325
        set bmargin at screen 0.637 - (w - 1) * 0.325
        set title one_of(workload_names, w) . (durable ? ", durable: what was answered survives" : \
            ", durability off: a crash may lose all") font small offset 0, -0.6
        set xlabel "transactions a second" font tiny offset 0, 0.5
        set ytics scale 0 font small
        set ytics ("" lowest)
        do for [i = 1:words(ids)] {
            if (rows[i] > 0 && !durable) { here = -rows[i]; set ytics add (name(i) . said(weaker[i]) here) }
            if (rows[i] > 0 && durable && durable_rows[(w - 1) * words(ids) + i] == 0) {
                set label 20 + i "no log" at graph 0.015, first -rows[i] font tiny textcolor rgb "#909090"
            }
        }
        if (!durable) {
            do for [g = 1:4] {
                if (heads[g] > 0) {
                    set label 10 + g one_of(groups, g) at screen 0.02, first -heads[g] font small \
                        textcolor rgb colours[g]
                }
            }
        }
        if (panels[2 * w - 1 + durable] > 0) {
            plot data using (is_here(w, durable) ? acknowledged("_min") : NaN):(height_of(0)): \
                (acknowledged("_max") - acknowledged("_min")):(0):(colour_of(0)) \
                with vectors nohead linewidth 1.4 linecolor rgb variable notitle, \
                data using (at(w, durable)):(height_of(0)):(mark_of(strcol("line"))):(colour_of(0)) \
                with points pointtype variable pointsize 1.1 linecolor rgb variable notitle, \
                data using (is_here(w, durable) ? acknowledged("_max") : NaN):(height_of(0)):(short(acknowledged(""))) \
                with labels left offset 0.9, 0 font tiny notitle
        } else {
            plot lowest - 1 notitle # an empty panel
        }
        unset label
    }
}
unset multiplot
