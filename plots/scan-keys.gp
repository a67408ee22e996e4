# scan-keys.gp - Scans: runs of 1 to 99 keys, each through the hash index. See figure.gp for the variables.
heading = "Scans of 1 to 99 keys by hash lookups, all cores"
load "plots/figure.gp"
xname = "record size (bytes)"
metric = "operations"
what = "records scanned"
stats data using "operations_max" nooutput name "speed"
unit = 1e-6
unit_text = "million / s"
load "plots/over_categories.gp"
