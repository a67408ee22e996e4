# figure.gp - what every figure begins with: size, heading (set before this), caption, lines. Besides style.gp's
# variables, all given by `maemio figure`: data = points (line, x, place, oversubscribed, runs, then each metric with
# _min and _max), lines = the lines in it, csv = the results they come from, changed = what was overridden, or "",
# facts = what the caption says about records and steadiness, terms = about back-off and retries of several targets, "",
# left_out = targets that were not there, and why, with | between, "".
if (!exists("terms")) terms = ""
broken = strlen(terms) > 112 # too long for a line
if (broken) retry = strstrt(terms, "; retry"); terms = terms[1:retry] . "\n" . terms[retry + 2:]
many = words(lines) > 3 # lines: their names then stand beside the plot
if (!exists("width")) width = many ? 660 : 520
if (!exists("height")) height = 420
zoom = 2
load "plots/style.gp"
larger = format eq "svg" ? 1.2 : 1 # its fonts are in pixels
tiny = sprintf(",%g", 8 * larger)
small = sprintf(",%g", 10 * larger)
large = sprintf(",%g", 12 * larger)
load "plots/systems.gp"

stats data using "runs" nooutput name "runs"
window = ""
set table $first_row
plot csv using (window = text("time_s"), 0) every ::0::0 with table
unset table
cut(s, n) = strlen(s) > n ? s[1:n - 1] . "…" : s
room = int((width - 20) / 5.7) # characters of a line of the caption
apart = strlen(facts) > room ? strstrt(facts, "; CPUs") : 0
if (apart) facts = cut(facts[1:apart], room) . "\n" . facts[apart + 2:]; else facts = cut(facts, room)
set label 1 (runs_max == 1 ? "one run each, of " : "points: medians of " . (runs_min == runs_max ? "" : \
        sprintf("%d to ", runs_min)) . sprintf("%d runs of ", runs_max)) . window . " s" . \
    (runs_max == 1 ? "" : ", bars: minimum to maximum") . "\n" . facts . "\n" . \
    (terms eq "" ? "" : terms . "\n") . cut(machine, room) . "\n" . cut(made, room) \
    at screen 0.02, screen (terms eq "" ? 0.13 : broken ? 0.175 : 0.15) + (apart ? 0.025 : 0) left \
    font tiny textcolor rgb "#505050"
unset label 2
set bmargin (terms eq "" ? 8.5 : 9.5) + (apart > 0)
set rmargin 2
set tmargin at screen 0.9
# A picture of other options than the experiment's says so in its title.
if (!exists("changed")) changed = ""
if (changed ne "") set label 4 "changed: " . cut(changed, 80) at screen 0.5, screen 0.988 center font tiny \
    textcolor rgb "#a33b00"
# How much higher than its highest point a plot is, so that the names of lines in its corner cover none.
headroom = many ? 1.1 : 1 + 0.13 * (words(lines) > 2 ? words(lines) : 2)
if (exists("heading")) set label 3 heading at screen 0.5, screen 0.955 center font large
set grid ytics
set offsets 0, 0, 0, 0
set key top left reverse Left samplen 2.5 spacing 1.1 width 0 font small opaque
if (many) set key outside right center noopaque; unset rmargin

# A metric's unit: thousands or millions, so that the axis has short numbers. Used by the files that draw.
metric = "throughput"
what = "throughput"
stats data using "throughput_max" nooutput name "speed"
unit = speed_max >= 2e6 ? 1e-6 : 1e-3
unit_text = speed_max >= 2e6 ? "million txn/s" : "thousand txn/s"
mine(i) = strcol("line") eq word(lines, i)
scaled(m) = column(m) * unit
