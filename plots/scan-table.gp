# scan-table.gp - Scans: whole tables by row. See figure.gp for the variables.
heading = "Scans of whole tables by row, all cores"
load "plots/figure.gp"
xname = "record size (bytes)"
metric = "operations"
what = "records scanned"
stats data using "operations_max" nooutput name "speed"
unit = 1e-6
unit_text = "million / s"
load "plots/over_categories.gp"
