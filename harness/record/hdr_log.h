/*
 * hdr_log.h - histograms as lines of an HdrHistogram log, which the tools of HdrHistogram read.
 *
 * The log is of version 1.3; a line holds one histogram in V2 compressed encoding, in base64. HdrHistogram with two
 * significant digits has 256 buckets of width 1, and 128 for each further power of two: the very buckets of
 * histogram.h. So nothing is rounded. Of the values, only the buckets are in it: tools show a bucket's upper end.
 *
 * The encoding is compressed only by name: the zlib stream has stored blocks, which every inflater reads. Empty buckets
 * are counted, not listed, so that a line has some hundreds of bytes anyhow.
 * Checked by: tests/unit/harness/record/hdr_log.c, and tests/cli/run.sh with a decoder in Python.
 * Source: HdrHistogram's HistogramLogWriter and AbstractHistogram (encodeIntoByteBuffer, ZigZagEncoding), CC0.
 */
#ifndef HARNESS_RECORD_HDR_LOG_H
#define HARNESS_RECORD_HDR_LOG_H

#include "harness/record/histogram.h"

/* What a log begins with. Times are absolute, as there is no start time; so logs can be joined. */
#define HDR_LOG_HEADER                      \
    "#[Histogram log format version 1.3]\n" \
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"

/* Adds the line of a histogram of nanoseconds. `tag`: what it is of, without a comma or blank; NULL: none. The interval
 * began at `begin_s` since 1970 and lasted `length_s`. */
void hdr_log_add(struct support_text *log, const char *tag, double begin_s, double length_s,
                 const struct histogram *histogram);

#endif
