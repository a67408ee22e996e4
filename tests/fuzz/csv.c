/* csv.c - fuzzes the reader of CSV that compare and the figures use: it takes any bytes as a table or refuses them. */
#include "harness/common/csv_table.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[CSV_TABLE_ERROR_BYTES] = "";
    struct csv_table table;
    if (!csv_table_parse(&table, "fuzz.csv", fuzz_text(data, bytes), bytes, error)) {
        FUZZ_EXPECT(error[0] && table.row_count == 0);
        return 0;
    }
    FUZZ_EXPECT(table.column_count > 0);
    size_t field_bytes = 0;
    unsigned line = 1;
    for (size_t c = 0; c < table.column_count; c++) {
        FUZZ_EXPECT(csv_table_column(&table, table.columns[c]) == (int)c);
        field_bytes += strlen(table.columns[c]) + 1;
    }
    for (size_t r = 0; r < table.row_count; r++) {
        FUZZ_EXPECT(table.rows[r].line > line);
        line = table.rows[r].line;
        for (size_t c = 0; c < table.column_count; c++)
            field_bytes += strlen(table.rows[r].fields[c]) + 1;
    }
    FUZZ_EXPECT(field_bytes <= bytes);
    csv_table_free(&table);
    return 0;
}
