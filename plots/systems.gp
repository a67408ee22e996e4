# systems.gp - names, colours, dashes and points of the lines in figures: a system looks the same in every figure.
# Variable: lines = what the data has, a list of words: targets, or labels of settings. Colours are Okabe and Ito's.
# A new target: its name in `systems`, a style of that number, and its title in `titles`.
systems = "native bare silo_paper tictoc twopl hekaton silo ermia foedus mocc tictoc_paper polaris bamboo plor"
titles = "Maemio|bare (no concurrency control)|Silo'|TicToc|2PL|Hekaton|Silo|ERMIA|FOEDUS|MOCC|TicToc'|Polaris|" . \
    "Bamboo|Plor"
set style line 1 linecolor rgb "#0072B2" linewidth 2.6 pointtype 7 pointsize 0.7 dashtype 1
set style line 2 linecolor rgb "#404040" linewidth 1.6 pointtype 4 pointsize 0.8 dashtype (3, 4)
set style line 3 linecolor rgb "#009E73" linewidth 1.6 pointtype 9 pointsize 0.9 dashtype (12, 5)
set style line 4 linecolor rgb "#E69F00" linewidth 1.6 pointtype 5 pointsize 0.8 dashtype (6, 3)
set style line 5 linecolor rgb "#CC79A7" linewidth 1.6 pointtype 11 pointsize 0.9 dashtype (12, 4, 3, 4)
set style line 6 linecolor rgb "#56B4E9" linewidth 1.6 pointtype 13 pointsize 0.9 dashtype (2, 2)
set style line 7 linecolor rgb "#009E73" linewidth 1.6 pointtype 8 pointsize 0.9 dashtype (2, 3)
set style line 8 linecolor rgb "#808080" linewidth 1.6 pointtype 6 pointsize 0.8 dashtype (12, 5)
set style line 9 linecolor rgb "#000000" linewidth 1.6 pointtype 10 pointsize 0.9 dashtype (6, 3)
set style line 10 linecolor rgb "#D55E00" linewidth 1.6 pointtype 12 pointsize 0.9 dashtype (12, 4, 3, 4)
set style line 11 linecolor rgb "#E69F00" linewidth 1.6 pointtype 4 pointsize 0.8 dashtype (2, 3)
set style line 12 linecolor rgb "#56B4E9" linewidth 1.6 pointtype 2 pointsize 0.8 dashtype (12, 5)
set style line 13 linecolor rgb "#D55E00" linewidth 1.6 pointtype 1 pointsize 0.9 dashtype (2, 3)
set style line 14 linecolor rgb "#CC79A7" linewidth 1.6 pointtype 3 pointsize 0.8 dashtype (6, 3)
# Settings of one system, in the order in which a figure has them.
set style line 21 linecolor rgb "#0072B2" linewidth 2.2 pointtype 7 pointsize 0.7 dashtype 1
set style line 22 linecolor rgb "#D55E00" linewidth 2.2 pointtype 9 pointsize 0.9 dashtype (12, 5)
set style line 23 linecolor rgb "#009E73" linewidth 2.2 pointtype 5 pointsize 0.8 dashtype (3, 4)
set style line 24 linecolor rgb "#CC79A7" linewidth 2.2 pointtype 11 pointsize 0.9 dashtype (12, 4, 3, 4)
set style line 25 linecolor rgb "#E69F00" linewidth 2.2 pointtype 13 pointsize 0.9 dashtype (6, 3)
set style line 26 linecolor rgb "#404040" linewidth 2.2 pointtype 6 pointsize 0.8 dashtype (2, 2)

place_in(list, text) = int(sum [i_ = 1:words(list)] (word(list, i_) eq text ? i_ : 0))
style_of(i) = place_in(systems, word(lines, i)) > 0 ? place_in(systems, word(lines, i)) : 21 + (i - 1) % 6

# The i-th of texts with | between. (word() takes no text with blanks or quotes.)
from_(texts, i) = i == 1 ? texts : from_(texts[strstrt(texts, "|") + 1:], i - 1)
one_of(texts, i) = from_(texts, i)[1:strstrt(from_(texts, i) . "|", "|") - 1]
title_of(id) = place_in(systems, id) > 0 ? one_of(titles, place_in(systems, id)) : \
    id eq "no-inline" ? "Maemio, no inlining" : id eq "multi" ? "clock per worker" : \
    id eq "central" ? "one shared counter" : id eq "warehouses-1" ? "1 warehouse" : \
    id eq "warehouses-4" ? "4 warehouses" : id eq "warehouses-threads" ? "warehouses = threads" : \
    id eq "paper-1" ? "TPC-C, 1 warehouse" : id eq "paper-4" ? "TPC-C, 4 warehouses" : \
    id eq "paper-np-1" ? "TPC-C-NP, 1 warehouse" : id eq "paper-np-4" ? "TPC-C-NP, 4 warehouses" : id
