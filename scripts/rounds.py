"""Tables of ratios with their spread. All runs of a table go round after round, each in a process of its own, so that a
drift of the machine meets all alike. A ratio is that of two runs of one round; a table shows the median of the rounds'
ratios with the least and the largest.

A table is a class below with a name, its runs and its lines; TABLES lists them. To show what an option brings, add a
row to OPTIONS.
"""
import itertools
import os
import time
from statistics import median

from common import Failure, cpus, grouped, make, points_of, rows_of, run, say, summed_up

NORMAL, MARCH = 'build/release/maemio', 'build/march/release/maemio'
YCSB = ('--workload=ycsb', '--record-bytes=100', '--ops-per-txn=16', '--seed=1', '--progress=off', '--check=off')
TPCC = ('--workload=tpcc', '--batch=off', '--seed=1', '--progress=off', '--check=off')


class Rounds:
    """What is common to all tables. Derived: `name`; `rounds`, how many for BENCH=quick and full; `windows`;
    `runs()`, a dictionary from (case, variant) to (program, arguments); and `lines()`. `prepare()`, which comes before
    all others, may build or refuse.
    """
    windows = ('--warmup=150ms', '--time=300ms', '--repetitions=2')

    def __init__(self, folder, kind):
        self.folder, self.count = folder, self.rounds[kind]
        os.makedirs(folder, exist_ok=True)
        for end in ('csv', 'log', 'md'):
            if os.path.exists(self.path(end)):
                os.remove(self.path(end))

    def path(self, end):
        return f'{self.folder}/{self.name}.{end}'

    def prepare(self):
        pass

    def run_all(self):
        """Forth and back: which of two runs comes first changes from round to round."""
        runs, began = list(self.runs().items()), time.monotonic()
        steps = [(number, *step) for number in range(self.count) for step in runs[::-1 if number % 2 else 1]]
        for step, (number, (case, variant), (program, arguments)) in enumerate(steps, 1):
            say(f'{step:3}/{len(steps)}, {time.monotonic() - began:4.0f} s: {case}, {variant}')
            with open(self.path('log'), 'a', encoding='utf-8') as log:
                if run([program, 'run', *arguments, *self.windows, f'--csv={self.path("csv")}',
                        f'--label={case};{variant};{number}'], stdout=log) != 0:
                    raise Failure(f'the run above failed; what it said is in {self.path("log")}')

    def of_rounds(self, value, txn_type='all'):
        """Of each (case, variant) the medians of its rounds, in their order; None: that run has no such value."""
        groups = grouped(rows_of(self.path('csv')), ('label',), value, {'txn_type': txn_type})
        def of_round(case, variant, number):
            label = f'{case};{variant};{number}',
            return groups[label].median if label in groups else None
        return {key: [of_round(*key, number) for number in range(self.count)] for key in self.runs()}

    def distance(self):
        """Says how far apart the CPUs were, since that decides more than anything else where workers share rows."""
        line = summed_up(rows_of(self.path('csv')), 'line_before_ns', {'txn_type': 'all'})
        if line is None:
            return 'No run had two workers with a CPU each.'
        return (f'A cache line went between the CPUs of two workers in {line.median:.0f} ns ({line.least:.0f} .. '
                f'{line.largest:.0f}).')

    def print_table(self):
        lines = [*self.lines(), '', self.distance()]
        with open(self.path('md'), 'w', encoding='utf-8') as file:
            print(*lines, sep='\n', file=file)
        print(*lines, '', sep='\n')
        warn_if_busy(self.path('csv'))


def warn_if_busy(csv):
    load = summed_up(rows_of(csv), 'load_average', {'txn_type': 'all'}).largest
    if load > cpus() + 0.5:
        say(f'the machine was busy with other things (load average {load:g}): these numbers are wrong')


def alike(line_a, line_b):
    """Were the CPUs as far apart, or is that not known? The hypervisor moves them, and each kind of run suffers."""
    return line_a is None or line_b is None or max(line_a, line_b) < 1.5 * min(line_a, line_b)


def spread_text(ratios):
    """The median with the least and the largest. None: that round does not count."""
    known = [ratio for ratio in ratios if ratio is not None]
    return f'{median(known):.2f} ({min(known):.2f} .. {max(known):.2f})' if known else ''


def ratios_text(over, under):
    """Of two lists of a value a round; rounds without one of them do not count."""
    return spread_text([a / b if a is not None and b else None for a, b in zip(over, under)])


def count_text(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'


def line_of(cells):
    return f'| {" | ".join(map(str, cells))} |'


# ---- Every scheme. ----

class Schemes(Rounds):
    """Every scheme against bare and against the engine; the largest table, some 10 minutes."""
    name, rounds = 'schemes', {'quick': 2, 'full': 6}
    windows = ('--warmup=100ms', '--time=200ms', '--repetitions=2')
    # A target, and the setting that makes it another scheme.
    SCHEMES = (('bare',), ('native',), ('silo',), ('silo_paper',), ('tictoc',), ('tictoc_paper',),
               *(('twopl', f'lock_wait={wait}') for wait in ('no_wait', 'wait_die', 'wound_wait', 'detect')),
               ('hekaton',), ('mocc',), ('ermia',), ('polaris',), ('bamboo',), ('plor',))
    POINTS = {'alone': ('--theta=0', '--threads=1', '--batch=off'),
              'announced': ('--theta=0', '--threads=1', '--batch=on'),
              'contended': ('--theta=0.99', f'--threads={cpus()}', '--batch=off')}

    def runs(self):
        runs = {}
        for (point, arguments), (target, *settings) in itertools.product(self.POINTS.items(), self.SCHEMES):
            runs[point, ' '.join((target, *settings))] = NORMAL, (
                *YCSB, '--records=1000000', '--read-ratio=0.5', *arguments, f'--target={target}',
                *(f'--set={text}' for text in settings))
        return runs

    def lines(self):
        rate, aborts = self.of_rounds('throughput_txn_per_s'), self.of_rounds('abort_ratio')
        yield f'YCSB, 1M records of 100 bytes, 16 requests a transaction, half of them read; {self.count} rounds of 2'
        yield 'windows of 200 ms, every scheme in each. Back-off as each target has it by default. Announced: batch=on.'
        yield ''
        yield (f'| | uniform, 1 thread: k txn/s | of bare | announced: of bare | theta 0.99, {cpus()} threads: '
               'k txn/s | of native | aborts |')
        yield '|---|--:|--:|--:|--:|--:|--:|'
        for name in map(' '.join, self.SCHEMES):
            yield line_of([name.replace('lock_wait=', ''), f'{median(rate["alone", name]) / 1000:.0f}',
                           ratios_text(rate['alone', name], rate['alone', 'bare']),
                           ratios_text(rate['announced', name], rate['announced', 'bare']),
                           f'{median(rate["contended", name]) / 1000:.0f}',
                           ratios_text(rate['contended', name], rate['contended', 'native']),
                           f'{100 * median(aborts["contended", name]):.0f}%'])


# ---- Two workers against one. ----

class Contended(Rounds):
    """What a second worker brings, and how much of what it brings bare; near and far rounds have rows of their own."""
    name, rounds = 'contended', {'quick': 3, 'full': 9}
    # Of two warehouses each worker has its own, four are shared. `bare` has no ordered index, so no TPC-C: there two
    # workers with a warehouse each show what can be had.
    CASES = {'TPC-C paper-np, 1 warehouse': (*TPCC, '--mode=paper-np', '--warehouses=1'),
             'TPC-C paper, 1 warehouse': (*TPCC, '--mode=paper', '--warehouses=1'),
             'TPC-C paper-np, 2 warehouses': (*TPCC, '--mode=paper-np', '--warehouses=2'),
             'TPC-C paper, 2 warehouses': (*TPCC, '--mode=paper', '--warehouses=2'),
             'TPC-C paper-np, 4 warehouses': (*TPCC, '--mode=paper-np', '--warehouses=4', '--home=random'),
             'TPC-C paper, 4 warehouses': (*TPCC, '--mode=paper', '--warehouses=4', '--home=random'),
             'YCSB, theta 0.99, half updates': (*YCSB, '--records=1000000', '--theta=0.99', '--read-ratio=0.5')}
    NEAR_NS = 100 # a cache line comes from the other CPU in less: they are near to each other

    def prepare(self):
        if cpus() == 1:
            raise Failure('two workers need two CPUs, and this process may use one')

    def runs(self):
        return {(case, f'{target} {n}'): (NORMAL, (*arguments, f'--target={target}', f'--threads={n}'))
                for case, arguments in self.CASES.items() for target in self.targets(arguments) for n in '12'}

    @staticmethod
    def targets(arguments):
        return ('native', 'bare') if '--workload=ycsb' in arguments else ('native',)

    def placement(self, line_ns):
        """not known: a worker did not get its CPU in time."""
        return 'not known' if not line_ns else 'near' if line_ns < self.NEAR_NS else 'far'

    def lines(self):
        """A round's ratio counts for the placement that its runs with two workers had."""
        rate, aborts, line = (self.of_rounds(value)
                              for value in ('throughput_txn_per_s', 'abort_ratio', 'line_before_ns'))
        yield f'Two workers against one, each on a CPU of its own; {self.count} rounds of 2 windows of 300 ms. Near: a'
        yield f'cache line comes from the other CPU in less than {self.NEAR_NS} ns. "Of bare": what a second worker'
        yield 'brings, of what it brings bare in the same round, if that was as near or far.'
        yield ''
        yield ('| | CPUs | line, ns | 1 worker, k txn/s | 2 workers, k txn/s | 2 workers / 1 | aborts | bare: 2 / 1 | '
               'of bare | rounds |')
        yield '|---|---|--:|--:|--:|--:|--:|--:|--:|--:|'
        for case, placement in itertools.product(self.CASES, ('near', 'far', 'not known')):
            chosen = [number for number, ns in enumerate(line[case, 'native 2']) if self.placement(ns) == placement]
            if chosen:
                one, two, aborted, ns = ([values[number] for number in chosen] for values in (
                    rate[case, 'native 1'], rate[case, 'native 2'], aborts[case, 'native 2'], line[case, 'native 2']))
                gain, bare = [b / a for a, b in zip(one, two)], self.gains_of_bare(case, placement, chosen, rate, line)
                yield line_of([case, placement, f'{median(value or 0 for value in ns):.0f}',
                               f'{median(one) / 1000:.0f}', f'{median(two) / 1000:.0f}', ratios_text(two, one),
                               f'{100 * median(aborted):.0f}%', spread_text(bare),
                               ratios_text(gain, bare), len(chosen)])

    def gains_of_bare(self, case, placement, chosen, rate, line):
        if (case, 'bare 2') not in rate:
            return [None for _ in chosen]
        return [rate[case, 'bare 2'][number] / rate[case, 'bare 1'][number]
                if self.placement(line[case, 'bare 2'][number]) == placement else None for number in chosen]


# ---- One against the other. ----

class Pairs(Rounds):
    """Two runs a row, and the ratio of the second to the first. `pairs()`: a dictionary from the row's name to two
    (program, arguments)."""
    value = 'throughput_txn_per_s'
    cell = staticmethod(lambda value: f'{value / 1000:.0f}')

    @staticmethod
    def ratios(values, line, case):
        """Of the rounds in which both runs had the CPUs as near or as far."""
        return [b / a if alike(*distances) else None
                for a, b, *distances in zip(*(texts[case, variant] for texts in (values, line) for variant in 'AB'))]

    def runs(self):
        return {(case, variant): side for case, sides in self.pairs().items() for variant, side in zip('AB', sides)}

    def lines(self):
        values, line = self.of_rounds(self.value), self.of_rounds('line_before_ns')
        yield from self.about()
        yield ''
        yield line_of(('', *self.columns, 'rounds'))
        yield '|---|--:|--:|--:|--:|'
        for case in self.pairs():
            ratios = self.ratios(values, line, case)
            yield line_of([case, self.cell(median(values[case, 'A'])), self.cell(median(values[case, 'B'])),
                           spread_text(ratios), len(ratios) - ratios.count(None)])


class Updates(Pairs):
    """What an update costs, against bare, where nothing conflicts."""
    name, rounds, value = 'updates', {'quick': 3, 'full': 9}, 'ns_per_op'
    columns = 'bare, ns', 'Maemio, ns', 'Maemio / bare'
    cell = staticmethod(lambda value: f'{value:.0f}')

    def pairs(self):
        return {f'{size}, theta {theta}, {"batch" if batch == "on" else "one by one"}':
                [(NORMAL, (*YCSB, f'--target={target}', f'--records={size}', f'--theta={theta}', f'--batch={batch}',
                           '--read-ratio=0', '--threads=1')) for target in ('bare', 'native')]
                for size, theta, batch in itertools.product(('10k', '1M', '10M'), ('0', '0.99'), ('off', 'on'))}

    def about(self):
        yield f'A read-modify-write of a record of 100 bytes, 16 a transaction, one worker; {self.count} rounds of 2'
        yield 'windows of 300 ms. Nanoseconds of worker time a request.'


class March(Pairs):
    """Built for this machine (MARCH=native), against the build for x86-64-v2."""
    name, rounds = 'march', {'quick': 4, 'full': 10}
    columns = 'x86-64-v2, k txn/s', 'native, k txn/s', 'native / x86-64-v2'
    HALF = (*YCSB, '--records=1000000', '--read-ratio=0.5', '--threads=1')
    CASES = {'YCSB, theta 0.99': (*HALF, '--theta=0.99'),
             'YCSB, theta 0.99, batch': (*HALF, '--theta=0.99', '--batch=on'),
             'YCSB, uniform': (*HALF, '--theta=0'),
             'YCSB, uniform, batch': (*HALF, '--theta=0', '--batch=on'),
             'TPC-C paper, 1 warehouse': (*TPCC, '--mode=paper', '--warehouses=1', '--threads=1')}

    def prepare(self):
        if make('WERROR=', 'MARCH=native', 'BUILD=build/march', 'build/march/release/maemio') != 0:
            raise Failure('this tree does not build with MARCH=native')

    def pairs(self):
        return {case: [(program, arguments) for program in (NORMAL, MARCH)] for case, arguments in self.CASES.items()}

    def about(self):
        yield f'The same sources compiled for x86-64-v2 and for this machine (MARCH=native), one worker; {self.count}'
        yield 'rounds of 2 windows of 300 ms, half of the requests of YCSB updates.'


# What an option brings: a name, the run without it, what is added without, and with. An option that is new: a row here.
ONE, ALL = ('--threads=1',), (f'--threads={cpus()}',)
HOT_ROWS = (*YCSB, '--records=1M', '--theta=0.99', '--read-ratio=0.5', *ALL)
ONE_WAREHOUSE = (*TPCC, '--mode=paper', '--warehouses=1', *ALL)
OPTIONS = (
    ('YCSB 10M, uniform, 1 worker: batch', (*YCSB, '--records=10M', '--theta=0', *ONE), (), ('--batch=on',)),
    ('TPC-C paper, 4 warehouses, 1 worker: batch', (*TPCC, '--mode=paper', '--warehouses=4', *ONE), (),
     ('--batch=on',)),
    ('YCSB, theta 0.99: backoff=adaptive', HOT_ROWS, ('--set=backoff=off',), ('--set=backoff=adaptive',)),
    ('YCSB, theta 0.99: backoff=learn', HOT_ROWS, ('--set=backoff=off',), ('--set=backoff=learn',)),
    ('YCSB, theta 0.99: restamp=retry', HOT_ROWS, (), ('--set=restamp=retry',)),
    ('YCSB, theta 0.99: restamp=extend', HOT_ROWS, (), ('--set=restamp=extend',)),
    ('YCSB, theta 0.99: elder_after=4', HOT_ROWS, (), ('--set=elder_after=4',)),
    ('TPC-C paper, 1 warehouse: backoff=adaptive', ONE_WAREHOUSE, ('--set=backoff=off',),
     ('--set=backoff=adaptive',)),
    ('TPC-C paper, 1 warehouse: backoff=learn', ONE_WAREHOUSE, ('--set=backoff=off',), ('--set=backoff=learn',)),
    ('TPC-C paper, 1 warehouse: restamp=retry', ONE_WAREHOUSE, (), ('--set=restamp=retry',)),
    ('TPC-C paper, 1 warehouse: restamp=extend', ONE_WAREHOUSE, (), ('--set=restamp=extend',)),
    ('TPC-C paper, 1 warehouse: split_rows', ONE_WAREHOUSE, (), ('--split-rows=on',)),
    ('TPC-C paper, 1 warehouse: split_rows, commit_updates', ONE_WAREHOUSE, (),
     ('--split-rows=on', '--commit-updates=on')),
)


class Switches(Pairs):
    """What single options bring, on against off."""
    name, rounds = 'options', {'quick': 3, 'full': 9}
    columns = 'off, k txn/s', 'on, k txn/s', 'on / off'

    def pairs(self):
        return {name: [(NORMAL, (*base, *side)) for side in (without, added)] for name, base, without, added in OPTIONS}

    def about(self):
        yield f'An option on against off, all else equal, {cpus()} workers where no number is said; {self.count} rounds'
        yield 'of 2 windows of 300 ms.'


# ---- Long transactions. ----

ELDER = 'elder_after=2' # of native, too


class Long(Rounds):
    """Long transactions beside short ones that write what they read: the points of plots/long.conf."""
    name, rounds = 'long', {'quick': 2, 'full': 6}
    windows = ('--warmup=200ms', '--time=1s', '--repetitions=1', '--progress=off', '--check=off')
    # Of each workload the type of its long transactions, and of the short ones.
    TYPES = {'ycsb': ('YCSB, 1,000 requests', 'long', 'read_write'),
             'scan': ('scan of 10,000 records', 'scan', 'update'),
             'tpcc': ('TPC-C, Delivery', 'delivery', 'new_order'),
             'bomb': ('BoMB, costs of a factory', 'update_product_cost', 'update_material_cost')}
    LATENCIES = 'latency_p50_ns', 'latency_p99_ns', 'latency_max_ns'

    def prepare(self):
        self.points = {}
        for _, arguments in points_of(NORMAL, 'plots/long.conf'):
            given = dict(argument[2:].split('=', 1) for argument in arguments)
            self.points[given['workload'], given['target']] = NORMAL, [
                argument for argument in arguments
                if not argument.startswith(('--label=', '--time=', '--warmup=', '--repetitions='))]
            if given['target'] == 'native':
                program, arguments = self.points[given['workload'], 'native']
                self.points[given['workload'], ELDER] = program, [*arguments, f'--set={ELDER}']

    def runs(self):
        return self.points

    @staticmethod
    def against(values, key, native, near):
        """Rounds in which the two had the CPUs not as far apart do not count."""
        return ratios_text([a if same else None for a, same in zip(values[key], near)], values[native])

    def lines(self):
        yield f'Long transactions beside short ones, as in plots/long.conf; {self.count} rounds of a window of 1 s.'
        yield 'Long and short: those that committed, a second, and as a ratio to native in the same round. Given up:'
        yield 'aborted 300 ms after their first abort. Attempts, and latencies from the first attempt on: medians.'
        line = self.of_rounds('line_before_ns')
        for workload, (title, long_type, short_type) in self.TYPES.items():
            value = {name: self.of_rounds(name, long_type)
                     for name in ('commits', 'window_s', 'given_up', 'attempts_per_commit', *self.LATENCIES)}
            shorts = self.of_rounds('throughput_txn_per_s', short_type)
            longs = self.of_rounds('throughput_txn_per_s', long_type)
            yield ''
            yield (f'| {title} | long, 1/s | of native | attempts | p50, ms | p99, ms | max, ms | given up, 1/s | '
                   'short, 1/s | of native |')
            yield '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|'
            for key in (key for key in self.runs() if key[0] == workload):
                native = workload, 'native'
                near = [alike(*pair) for pair in zip(line[key], line[native])]
                given_up = [a / b for a, b in zip(value['given_up'][key], value['window_s'][key])]
                some = any(value['commits'][key])
                yield line_of([key[1], count_text(median(longs[key])), self.against(longs, key, native, near),
                               *(median_text(value[name][key], scale, some) for name, scale in (
                                   ('attempts_per_commit', 1), *((name, 1e-6) for name in self.LATENCIES))),
                               count_text(median(given_up)), count_text(median(shorts[key])),
                               self.against(shorts, key, native, near)])


def median_text(values, scale, some):
    """Empty where no transaction committed."""
    known = [value for value in values if value is not None]
    return f'{median(known) * scale:.3g}' if some and known else '-'


TABLES = {table.name: table for table in (Contended, Updates, March, Switches, Long, Schemes)}
