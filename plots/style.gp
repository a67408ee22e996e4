# style.gp - the look of every figure. A figure's file loads it first, from the project's root.
# Variables given with gnuplot -e: format = "svg", "png" or "pdf", output = the file to write, csv = the results
# (the caption says where they come from). Okabe-Ito colours: told apart by the colour-blind; dashes and point shapes
# tell lines apart in grey print as well.

if (!exists("format")) format = "svg"
if (!exists("width")) width = 1200
if (!exists("height")) height = 680
if (!exists("zoom")) zoom = 1 # of PNG: more dots for the same picture
if (format eq "png") set terminal pngcairo noenhanced size width * zoom, height * zoom fontscale zoom linewidth zoom \
    pointscale zoom font "DejaVu Sans,12" background rgb "white"
if (format eq "svg") set terminal svg noenhanced size width, height font "DejaVu Sans,13" background rgb "white"
if (format eq "pdf") set terminal pdfcairo noenhanced size width / 96., height / 96. font "DejaVu Sans,9"
set output output

set datafile separator comma
set datafile columnheaders
set datafile missing NaN # a row of another line leaves no gap in this one
set encoding utf8

set border 3 linewidth 1
set tics nomirror out
set grid ytics linecolor rgb "#d0d0d0" linetype 1 linewidth 0.5
set key top left reverse Left samplen 3 spacing 1.2 width 1
set bars 0.6

set linetype 1 linecolor rgb "#0072B2" linewidth 2 pointtype 7 pointsize 0.9 dashtype 1
set linetype 2 linecolor rgb "#D55E00" linewidth 2 pointtype 9 pointsize 1.1 dashtype (12, 5)
set linetype 3 linecolor rgb "#404040" linewidth 2 pointtype 4 pointsize 1.0 dashtype (3, 4)
set linetype 4 linecolor rgb "#009E73" linewidth 2 pointtype 11 pointsize 1.1 dashtype (12, 4, 3, 4)
set linetype 5 linecolor rgb "#CC79A7" linewidth 2 pointtype 13 pointsize 1.2 dashtype (6, 3)
set linetype 6 linecolor rgb "#E69F00" linewidth 2 pointtype 6 pointsize 1.0 dashtype (2, 2)
set linetype cycle 6

# The caption stands below all panels; multiplot figures keep to the area above it.
caption_height = 0.11
text(name) = strcol(name) eq "" ? "?" : strcol(name)
machine = ""; made = ""
set table $first_row
# What a simulated machine comes to does not depend on the one that simulates it.
plot csv using (machine = text("machine") ne "?" ? "SIMULATED machine " . text("machine") . ", not measured" : \
                          text("cpu_model") . ", " . text("cpus_online") . " CPUs, hypervisor " . \
                          text("hypervisor") . ", Linux " . text("kernel"), \
                made = text("start_utc") . ", Maemio " . text("version") . " " . text("revision") . " (" . \
                       text("build_mode") . ", " . text("compiler") . ")", 0) every ::0::0 with table
unset table
set label 1 machine . "\n" . made at screen 0.01, screen 0.045 left font ",9" textcolor rgb "#505050"
