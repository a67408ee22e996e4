#!/usr/bin/env -S python3 -B
"""Runs and draws what scripts/demo shows.
  usage: demo.py FOLDER
"""
import itertools
import os
import sys

from common import ROOT, Failure, available_bytes, begin, cpus, draw, grouped, rows_of, run, summed_up, write_rows

MAEMIO = './maemio'
REPETITIONS = 3
THETAS = ('0.99', '0')
SERIES = {'native': ['--target=native'], 'native-nobackoff': ['--target=native', '--set=backoff=off'],
          'bare': ['--target=bare']}
TYPES = ('new_order', 'payment', 'order_status', 'delivery', 'stock_level')
SECONDS = int(os.environ.get('DEMO_SECONDS', '60'))
ROW_BYTES = 400 # some; of memory a quarter is used at most
WAREHOUSE_BYTES = 250 << 20 # it starts with some 140 MB and grows


class Demo:
    def __init__(self, folder):
        self.folder, self.log = folder, f'{folder}/log.txt'
        self.ycsb, self.tpcc = f'{folder}/ycsb.csv', f'{folder}/tpcc.csv'
        self.threads = [str(1 << i) for i in range(cpus().bit_length()) if 1 << i < cpus()] + [str(cpus())]
        available = available_bytes(MAEMIO)
        self.records = int(os.environ.get('DEMO_RECORDS', '1000000'))
        most = available // 4 // ROW_BYTES
        if self.records > most:
            print(f'demo: memory is small: {most} records instead of {self.records}')
            self.records = most
        most = available // 4 // WAREHOUSE_BYTES
        self.warehouses = ['1', str(min(max(cpus(), 2), max(most, 2)))]
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            if name in ('ycsb.csv', 'log.txt') or name.startswith(('throughput.', 'aborts.', 'tpcc')):
                os.remove(f'{folder}/{name}')

    def repetition(self, number, csv, arguments):
        """One repetition of one setting, a process of its own. Settings take turns, so that a machine that is busy,
        slows down or moves its CPUs for a while does that to all of them, and not to one line of a plot."""
        error = f'{self.folder}/error.txt'
        with open(self.log, 'a', encoding='utf-8') as log, open(error, 'w+', encoding='utf-8') as errors:
            code = run([MAEMIO, 'run', f'--first-repetition={number}', f'--csv={csv}', '--seed=1', *arguments],
                       stdout=log, stderr=errors)
            errors.seek(0)
            if code != 0:
                raise Failure(f'\n{errors.read()}demo: the run ended with exit code {code}; what it printed is in '
                              f'{self.log}')
        os.remove(error)

    def rounds(self, csv, settings, length_ms):
        """Runs all settings in turn. A setting: what it is called, its arguments, the columns that tell its rows."""
        for number, (step, (name, arguments, where)) in itertools.product(range(1, REPETITIONS + 1),
                                                                          enumerate(settings, 1)):
            print(f'demo: round {number}, {step:2}/{len(settings)}  {name} ', end='', flush=True)
            self.repetition(number, csv, [*arguments, f'--time={length_ms}ms'])
            so_far = summed_up(rows_of(csv), 'throughput_txn_per_s', {'txn_type': 'all', **where}).median
            print(f'{so_far / 1000:9.1f} thousand txn/s{", consistent" if csv == self.tpcc else ""}')

    def run_ycsb(self):
        settings = [(f'theta {theta:<4}  {series:<16} {n:>3} threads',
                     ['--workload=ycsb', f'--records={self.records}', '--record-bytes=100', '--ops-per-txn=16',
                      '--read-ratio=0.5', f'--theta={theta}', f'--threads={n}', '--warmup=500ms', f'--label={series}',
                      *SERIES[series]], {'label': series, 'wl_theta': theta, 'threads': n})
                    for theta in THETAS for n in self.threads for series in SERIES]
        length_ms = min(max(SECONDS * 1000 // (len(settings) * REPETITIONS), 500), 2000)
        print(f'demo: YCSB, {self.records} records of 100 bytes, 16 requests a transaction, half of them updates; '
              f'{REPETITIONS} rounds of {len(settings)} runs of {length_ms} ms each')
        self.rounds(self.ycsb, settings, length_ms)

    def run_tpcc(self):
        """TPC-C as in the paper's Figure 3, at 1 and N warehouses."""
        settings = [(f'{w:>3} warehouses {n:>3} threads',
                     ['--workload=tpcc', '--mode=paper', f'--warehouses={w}', f'--threads={n}', '--warmup=300ms',
                      '--label=tpcc'], {'wl_warehouses': w, 'threads': n})
                    for w in self.warehouses for n in self.threads]
        length_ms = min(max(SECONDS * 1000 // 3 // (len(settings) * REPETITIONS), 500), 1500)
        print(f'demo: TPC-C, all five transactions as the paper ran them; {REPETITIONS} rounds of {len(settings)} '
              f'runs of {length_ms} ms each')
        self.rounds(self.tpcc, settings, length_ms)

    # ---- Plots. ----

    def draw_ycsb(self, note):
        rows = rows_of(self.ycsb)
        for quantity, value in (('throughput', 'throughput_txn_per_s'), ('aborts', 'abort_ratio')):
            data, columns = f'{self.folder}/{quantity}.csv', ['label', 'wl_theta', 'threads']
            write_rows(data, [*columns, 'runs', 'median', 'min', 'max'],
                       [[*key, *group.texts()] for key, group in grouped(rows, columns, value, ALL).items()])
            draw('plots/demo.gp', f'{self.folder}/{quantity}', data=data, quantity=quantity, csv=self.ycsb,
                 records=f'{self.records:,}', note=note)

    def draw_tpcc(self, note):
        rows = rows_of(self.tpcc)
        columns = ['wl_warehouses', 'threads']

        def medians(value, kind='all'):
            return {key: group.median for key, group in grouped(rows, columns, value, {'txn_type': kind}).items()}
        settings = list(itertools.product(self.warehouses, self.threads))
        speeds = grouped(rows, columns, 'throughput_txn_per_s', ALL)
        write_rows(f'{self.folder}/tpcc-throughput.csv', ['warehouses', 'threads', 'median', 'min', 'max'],
                   [[*key, *group.texts()[1:]] for key, group in speeds.items()])
        mix = [medians('throughput_txn_per_s', kind) for kind in TYPES]
        write_rows(f'{self.folder}/tpcc-mix.csv', ['setting', *TYPES],
                   [[' / '.join(key), *(f'{kind[key]:.9g}' for kind in mix)] for key in settings])
        reasons = [name.removeprefix('aborts_') for name in rows[0] if name.startswith('aborts_')]
        commits, aborts = medians('commits'), medians('aborts')
        counts = [medians(f'aborts_{reason}') for reason in reasons]
        write_rows(f'{self.folder}/tpcc-aborts.csv', ['setting', *reasons],
                   [[' / '.join(key), *(f'{100 * count.get(key, 0) / ((commits[key] + aborts[key]) or 1):.6g}'
                                        for count in counts)] for key in settings])
        for quantity in ('throughput', 'mix', 'aborts'):
            name = f'{self.folder}/tpcc-{quantity}'
            draw('plots/demo_tpcc.gp', name, data=f'{name}.csv', quantity=quantity, csv=self.tpcc, note=note,
                 warehouses=' '.join(self.warehouses))


ALL = {'txn_type': 'all'}


def note_of(csv):
    """What the machine did while it was measured: numbers that a busy machine has spoiled look like any others."""
    rows = [row for row in rows_of(csv) if row['txn_type'] == 'all']
    load = summed_up(rows, 'load_average').largest
    unsteady, moved = (sum(row[column] == text for row in rows) for column, text in (('steady', '0'), ('moved', '1')))
    line = summed_up(rows, 'line_before_ns')
    note = 'busy machine: ' if load > cpus() + 0.5 else ''
    note += f'load up to {load:.1f} on {cpus()} CPUs, {unsteady} of {len(rows)} repetitions unsteady'
    note += f', CPUs moved in {moved}' if moved else ''
    return note + (f', line {line.least:.0f} to {line.largest:.0f} ns' if line else '')


def main():
    os.chdir(ROOT)
    folder = sys.argv[1]
    demo = Demo(folder)
    demo.run_ycsb()
    demo.run_tpcc()
    note, tpcc_note = note_of(demo.ycsb), note_of(demo.tpcc)
    demo.draw_ycsb(note)
    demo.draw_tpcc(tpcc_note)
    print(f'''
demo: YCSB: {note}
demo: TPC-C: {tpcc_note}
demo: done. Look at
    {folder}/throughput.png (.svg)   transactions per second over threads
    {folder}/aborts.png (.svg)       share of attempts that were aborted and tried again
    {folder}/tpcc-throughput.png, tpcc-mix.png, tpcc-aborts.png   TPC-C: the same, by type, and why it aborted
    {demo.ycsb}, tpcc.csv        every repetition, with every option and the machine it ran on
    {demo.log}         the summaries of all runs, with the checks of their results
README.md, "How to read the numbers", says what they mean.''')


begin(main)
