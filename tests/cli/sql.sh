#!/usr/bin/env bash
# `maemio sql`, and the loadable extension in programs that are not ours: the shell sqlite3 and Python load it, make
# tables, and find in a folder what another process has left there.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
extension=$(realpath "${MAE_BUILD:-.}")/maemio.so
run sql -c 'SELECT 1'
if [ $code -ne 0 ] || [ ! -e "$extension" ]; then
    echo "sql: this build has no SQL, or no maemio.so: it needs SQLite's development files, and MODE=release or debug"
    finish
fi

sqlite() { # what the shell sqlite3 reads, maemio loaded
    { printf '.bail on\n.load %s\n' "${extension%.so}"; cat; } >"$work/in"
    sqlite3 :memory: <"$work/in" >"$work/out" 2>"$work/err"
    code=$?
}

sqlite <<'END'
CREATE VIRTUAL TABLE maemio.account USING maemio(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, cents INTEGER,
    UNIQUE(owner), CHECK (cents >= 0));
INSERT INTO account VALUES (1, 'ann', 100), (2, 'bob', 50);
BEGIN; UPDATE account SET cents = cents - 30 WHERE owner = 'ann';
UPDATE account SET cents = cents + 30 WHERE owner = 'bob'; COMMIT;
SELECT group_concat(owner || '=' || cents, ', ') FROM (SELECT * FROM account ORDER BY owner);
END
ended "sqlite3 loads the extension" 0 'ann=70, bob=80'

folder=$work/bank
sqlite <<END
SELECT maemio_open('$folder');
CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER PRIMARY KEY, b TEXT, c REAL, INDEX by_b(b));
INSERT INTO t VALUES (1, 'x', 1.5), (2, 'y', 2), (3, NULL, NULL);
DELETE FROM t WHERE a = 2;
CREATE VIRTUAL TABLE maemio.gone USING maemio(a INTEGER);
INSERT INTO gone VALUES (1);
DROP TABLE gone;
END
ended "a folder's database is made" 0

sqlite <<END
SELECT maemio_open('$folder');
SELECT a, b, c, 'found' FROM t ORDER BY a DESC;
INSERT INTO t(b) VALUES ('new');
SELECT a FROM t WHERE b = 'new';
SELECT count(*) || ' tables' FROM maemio.sqlite_schema WHERE sql LIKE '%USING maemio';
END
ended "another process finds its tables" 0 '3|||found' '1|x|1.5|found' '4' '1 tables'

run recover "$folder"
ended "the folder is in order" 0

sqlite <<'END'
CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER, b NUMBER);
END
ended "what is not understood is refused" 1 "column b: 'NUMBER' is no type"

cat >"$work/bank.py" <<'END'
import sqlite3, sys, threading

def connect():
    connection = sqlite3.connect(':memory:', isolation_level=None, check_same_thread=False)
    connection.enable_load_extension(True)
    connection.load_extension(sys.argv[1])
    connection.execute('SELECT maemio_refresh()')
    return connection

first = connect()
first.execute('CREATE VIRTUAL TABLE maemio.n USING maemio(id INTEGER PRIMARY KEY, v INTEGER)')
first.executemany('INSERT INTO n VALUES (?, ?)', [(i, 0) for i in range(4)])

def add(number):
    connection, done = connect(), 0
    while done < 100:
        try:
            connection.execute('BEGIN')
            connection.execute('UPDATE n SET v = v + 1 WHERE id = ?', (number,))
            connection.execute('COMMIT')
            done += 1
        except sqlite3.OperationalError:
            if connection.in_transaction:
                connection.execute('ROLLBACK')
    connection.close()

threads = [threading.Thread(target=add, args=(i % 2,)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(first.execute('SELECT v FROM n ORDER BY id').fetchall())
first.close()
END
for python in python3 /usr/bin/python3; do # one that was built with extensions: Debian's is
    "$python" -c 'import sqlite3; sqlite3.Connection.enable_load_extension' 2>/dev/null && break
done
launch "$python" "$work/bank.py" "$extension"
ended "Python loads the extension, in threads" 0 '[(200,), (200,), (0,), (0,)]'

# ---- maemio sql. ----

shell() { # arguments of maemio sql; statements from stdin
    "$maemio" sql "$@" >"$work/out" 2>"$work/err"
    code=$?
}

printf 'name,people,id\r\n"a, ""b""",100,1\nx,2000,\n"",,7\n"two\nlines",5,9\n' >"$work/city.csv"
city=$work/city
shell "$city" <<END
CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT NOT NULL, people INTEGER); -- a comment
CREATE INDEX by_people
    ON city(people);
CREATE VIEW large AS SELECT name, people FROM city WHERE people > 1000;
.import $work/city.csv city
SELECT max(people) || ' people' FROM city WHERE people > 50;
.tables
.schema city
END
ended "the shell makes tables and reads CSV" 0 '2000 people' 'city' 'large' \
    'CREATE INDEX "by_people" ON "city"("people");'

shell "$city" --csv -c 'SELECT id, name, people FROM city ORDER BY id' </dev/null
ended "a folder keeps them, and rows go out as CSV" 0 '1,"a, ""b""",100' '7,"",'

shell "$city" <<END
.output $work/dump.sql
.dump
.quit
END
ended "a dump is written" 0
shell <<END
.read $work/dump.sql
SELECT count(*) || '=' || sum(id) FROM city;
SELECT 'large: ' || name FROM large;
.mode csv
.output $work/again.csv
SELECT name, people, id FROM city ORDER BY id;
.output
DELETE FROM city;
.import $work/again.csv city
SELECT count(*) || ' again' FROM city;
END
ended "a dump is read, and CSV of ours" 0 '4=19' 'large: x' '4 again'

shell "$city" -c "INSERT INTO city VALUES (1, 'z', 1) ON CONFLICT (id) DO UPDATE SET people = people + 1" --timing \
    -c 'ALTER TABLE city ADD COLUMN mayor TEXT DEFAULT (1 + 1); SELECT * FROM city WHERE id = 1' </dev/null
ended "ON CONFLICT and ALTER TABLE" 0 '1|a, "b"|101|2' ' s'

shell "$city" -c .tables -c '.schema large' -c 'SELECT 1 + 1' </dev/null
ended "-c takes commands, too" 0 'city' 'CREATE VIEW "large" AS SELECT name, people FROM city WHERE people > 1000;' 2
shell -c 'CREATE TABLE t(a ANY, b TEXT)' \
    -c "INSERT INTO t VALUES ('a' || char(0) || 'b', 'it''s'), (x'00', 'c' || char(0))" \
    -c ".output $work/zeros.sql" -c .dump </dev/null
shell -c ".read $work/zeros.sql" -c "SELECT group_concat(typeof(a) || hex(a) || hex(b), ' ') FROM t" </dev/null
ended "texts with a byte of 0 are dumped whole" 0 'text61006269742773 blob006300'
shell -c 'SELECT 40 + 2' -c .quit -c 'SELECT 1 + ' -f "$work/nowhere" </dev/null
ended "and .quit there is the end" 0 42
shell -c 'CREATE TABLE t(a INTEGER, b TEXT, UNIQUE (a), UNIQUE USING HASH (b)); CREATE INDEX h ON t USING HASH (a)' \
    -c .schema </dev/null
ended "definitions are printed as they would be typed" 0 \
    'CREATE TABLE "t"("a" INTEGER, "b" TEXT, UNIQUE ("a"), UNIQUE USING HASH ("b"));' \
    'CREATE INDEX "h" ON "t" USING HASH ("a");'
# ^C comes when the statement has given rows. The shell has jobs in the background ignore it, unless env says otherwise.
interrupted() { # a statement of the table n, which has the numbers from 1 on; then how to run maemio
    : >"$work/out" # what is awaited is not there yet
    "${@:2}" "$maemio" sql >"$work/out" 2>"$work/err" <<END &
SELECT 'begun';
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) $1;
END
    local pid=$!
    await grep -q '^1000$' "$work/out"
    kill -INT $pid
    wait $pid
    code=$?
}
interrupted 'SELECT i FROM n WHERE i < 5000' env --default-signal=INT
ended "^C ends a statement" 1 'stdin:2: interrupted'
interrupted 'SELECT i FROM n WHERE i < 5000 OR i = 2000000 LIMIT 5000'
ended "^C is not for a job in the background" 0 2000000

shell <<'END'
SELECT 1;
SELECT
  * FROM nowhere;
SELECT 'not reached';
END
ended "the first error ends it, with its line" 1 'maemio sql: stdin:2: no such table: nowhere'
shell <<<$'SELECT 1;\n.schema nowhere'
ended "a definition that is not there" 1 'maemio sql: stdin:2: no such table or view: nowhere'
shell <<<$'-- a comment\n\n.tables\nCREATE TABLE t(a INTEGER);\n\n  \n.schema t\n/* a comment\n.tables */ SELECT 1 + 1;'
ended "commands behind blank lines and comments" 0 'CREATE TABLE "t"("a" INTEGER);' 2
shell <<<$'/* a comment */\n.mode csv\n/* a longer\n.quit\none */ -- and more\n/**/ /* */\n.schema nowhere\nSELECT 1;'
ended "and behind comments with stars, also of several lines" 1 'maemio sql: stdin:7: no such table or view: nowhere'
shell <<<'.import one'
ended "a command with too few arguments" 1 'stdin:1: .import: FILE TABLE'
shell <<<'.tables all'
ended "a command with too many" 1 'stdin:1: .tables: takes no arguments'
printf "SELECT 'a blank';\n" >"$work/two words"
shell <<<".read '$work/two words'"
ended "a name with a blank in quotes" 0 'a blank'
shell -c 'SELECT 1' -f "$work/nowhere" </dev/null
ended "a file that is not there" 1 "cannot be read: $work/nowhere"
shell <<<'.nonsense'
ended "a command that is not there" 1 'there is no such command; .help lists them: .nonsense'
shell <<<".import $work/nowhere t"
ended "CSV that is not there" 1 "$work/nowhere: No such file"
printf 'id,name\n101,a\n102\n' >"$work/short.csv"
shell "$city" <<<".import $work/short.csv city"
ended "a line of CSV with too few fields" 1 "short.csv:3: another number of fields"
shell "$city" -c 'SELECT count(*) FROM city' </dev/null
ended "and nothing of it is there" 0 4

# ---- Workloads in SQL. Histories are checked by schemes.sh. ----

for options in "--workload tpcc --mode spec --warehouses 1 --txns 300" "--workload ycsb --records 1000 --txns 1000"; do
    # shellcheck disable=SC2086 # a list of options
    run run --target sql $options --threads 2 --pin none --warmup 0
    ended "in SQL: $options" 0 "check          passed"
done
run run --target sql --records 1000 --txns 10 --warmup 0 --set memory_limit=1M
ended "an option of the engine reaches it" 1 "the memory limit is reached"

# ---- A machine without SQLite's development files. Only what they change is built again, in a copy. ----

build=$(dirname "$maemio")
if [ "${build##*/}" = debug ]; then
    mkdir -p "$work/without/debug"
    (cd "$build" && find . -path ./tests -prune -o \( -name '*.[od]' -o -name flags -o -name revision \) -print0 |
        tar -c --null -T -) | tar -x -C "$work/without/debug"
    launch make -s MODE=debug BUILD="$work/without" PKG_CONFIG=false "$work/without/debug/maemio"
    ended "without SQLite's files it builds" 0
    launch "$work/without/debug/maemio" sql -c 'SELECT 1'
    ended "and says that it has no SQL" 2 "SQLite's development files were missing"
    launch "$work/without/debug/maemio" run --warmup 0 --txns 200 --records 500
    ended "all else works" 0
    launch "$work/without/debug/maemio" run --target sql
    ended "but for the target sql" 2 "sql"
fi

finish
