"""What the Python scripts share: options, messages, tables in CSV, child processes that end with their parent.

A script is a function that `begin` runs. A Failure that it raises becomes a message and an exit code. The text at the
head of its file is its help. SIGINT, SIGTERM and SIGHUP end it with 130, after every `finally` has been done; so does
the end of whoever reads what it prints, with 141 and no message.
Only the standard library is used, as Debian 12 has it.
"""
import argparse
import contextlib
import csv
import os
import re
import signal
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAME = os.path.basename(sys.argv[0])
USAGE = 2
INTERRUPTED = 130
UNREAD = 128 + signal.SIGPIPE


class Failure(Exception):
    """Ends the script with a message on stderr and an exit code."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


class Interrupted(BaseException):
    """A signal has come."""


def say(message):
    print(f'{NAME}: {message}', file=sys.stderr, flush=True)


def begin(function):
    """Runs the script and ends the process with what it returns (nothing: 0)."""
    def note(_number, _frame):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        Children.ended = True
        for process in list(Children.running):
            process.terminate()
        raise Interrupted
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    os.environ['LC_ALL'] = 'C.UTF-8' # numbers have decimal points, whatever the user's locale
    try:
        code = ended(function)
        sys.stdout.flush()
    except BrokenPipeError: # as of `head`: who reads what is printed has had enough
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr): # Python writes out what is left as it ends
            os.dup2(nowhere, stream.fileno())
        code = UNREAD
    sys.exit(code)


def ended(function):
    try:
        return function() or 0
    except Failure as failure:
        say(failure)
        return failure.code
    except Interrupted:
        return INTERRUPTED


# ---- Options. ----

class Options(argparse.ArgumentParser):
    """The module's text is the help; a wrong use is one line that begins with the script's name."""

    def __init__(self, text):
        super().__init__(prog=NAME, add_help=False, allow_abbrev=False, usage=argparse.SUPPRESS)
        self.text = text
        self.wrong_usage = re.search(r'usage: .*(\n {7,}\S.*)*', text)[0]

    def parse(self, arguments=None):
        arguments = sys.argv[1:] if arguments is None else arguments
        if any(argument in ('-h', '--help') for argument in arguments):
            print(self.text.strip(), flush=True)
            sys.exit(0)
        return self.parse_intermixed_args(arguments)

    def error(self, message):
        message = re.sub(r'^argument ([^:]*): expected one argument$', r'\1: needs a value', message)
        message = re.sub(r'^unrecognized arguments: (\S+).*', r"unknown option '\1'", message)
        raise Failure(f'{message.removeprefix("argument ")}\n{self.wrong_usage}', USAGE)


def wrong(text, what):
    return argparse.ArgumentTypeError(f"'{text}' is {what}")


def seconds(text):
    match = re.fullmatch(r'(\d+)([smh])', text)
    if not match:
        raise wrong(text, 'not a time such as 90s or 10m')
    return int(match[1]) * {'s': 1, 'm': 60, 'h': 3600}[match[2]]


def share(text):
    if not re.fullmatch(r'\d+(\.\d*)?%?', text):
        raise wrong(text, 'not a share such as 2% or 0.02')
    return float(text.rstrip('%')) / (100 if text.endswith('%') else 1)


def number(text):
    if not re.fullmatch(r'\d+', text):
        raise wrong(text, 'not a whole number')
    return int(text)


def one_of(*names):
    def check(text):
        if text not in names:
            raise wrong(text, f'none of {", ".join(names)}')
        return text
    return check


# ---- Tables. ----

def rows_of(path, delimiter=','):
    """The rows of a CSV file as dictionaries; lines that begin with # before its header are left out."""
    try:
        with open(path, newline='', encoding='utf-8') as file:
            lines = [line for line in file if not line.startswith('#')]
    except OSError as error:
        raise Failure(f'{path}: cannot be read: {error.strerror}') from error
    return list(csv.DictReader(lines, delimiter=delimiter))


def write_rows(path, header, rows):
    with open(path, 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)


class Group:
    """How many values there are, their median, least and largest."""

    def __init__(self, values):
        self.count, self.median = len(values), statistics.median(values)
        self.least, self.largest = min(values), max(values)

    def texts(self):
        return [str(self.count), f'{self.median:.9g}', f'{self.least:.9g}', f'{self.largest:.9g}']


def grouped(rows, columns, value, where=None):
    """Groups rows by columns, in the order of their first rows, and sums up the values of each; empty ones are left
    out. `where`: only rows with these texts."""
    found = {}
    for row in rows:
        if row[value] != '' and all(row[column] == text for column, text in (where or {}).items()):
            found.setdefault(tuple(row[column] for column in columns), []).append(float(row[value]))
    return {key: Group(values) for key, values in found.items()}


def summed_up(rows, value, where=None):
    """The Group of all rows that `where` chooses, or None."""
    return grouped(rows, (), value, where).get(())


# ---- Programs. ----

class Children:
    running = set()
    ended = False # nothing more begins


def cpus():
    return len(os.sched_getaffinity(0))


def run(command, **options):
    """Runs a program to its end and returns its exit code. If we are interrupted it is ended, and waited for; so from
    any thread."""
    if Children.ended:
        raise Interrupted
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options) as process:
        Children.running.add(process)
        try:
            return process.wait()
        finally:
            process.wait()
            Children.running.discard(process)


def captured(command, **options):
    """Runs a program to its end: .stdout is what it printed there, .returncode its exit code."""
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          encoding='utf-8', check=False, **options)


def output_of(command):
    """What a program prints to stdout; its messages stay on stderr, and its failure is ours."""
    result = captured(command)
    if result.returncode != 0:
        raise Failure(f'{command[0]} {command[1]} failed', result.returncode)
    return result.stdout


def text_of(command):
    """What a program prints to stdout, whatever it ends with and complains of."""
    return captured(command, stderr=subprocess.DEVNULL).stdout


def last_lines(path, count):
    with open(path, encoding='utf-8', errors='replace') as file:
        return ''.join(f'    {line.rstrip()}\n' for line in file.readlines()[-count:])


def make(*arguments, folder=ROOT, log=None):
    """Runs make; without a log its messages are ours."""
    environment = {name: text for name, text in os.environ.items() if name not in ('MAKEFLAGS', 'MAKELEVEL')}
    with open(log, 'w', encoding='utf-8') if log else contextlib.nullcontext() as file:
        return run(['make', '-s', '-C', folder, '-j', cpus(), *arguments], env=environment, stdout=file, stderr=file)


def points_of(maemio, job):
    """The points of a job file: name and arguments of `maemio run` of each."""
    lines = output_of([maemio, 'sweep', job, '--print-arguments']).splitlines()
    return [(line.split('\t')[0], line.split('\t')[1:]) for line in lines]


def without_unknown(maemio, arguments):
    """The arguments that this program, which may be older than the job file, knows; and those it does not."""
    listed = set(re.findall(r'^  (\S+) ', text_of([maemio, 'list', 'options']), re.M))
    if '--workload' not in listed: # it does not say what it knows
        return arguments, []
    def knows(argument):
        option, _, value = argument.partition('=')
        return (value.partition('=')[0] if option == '--set' else option) in listed
    return [a for a in arguments if knows(a)], [a for a in arguments if not knows(a)]


def draw(script, output, **variables):
    """Draws OUTPUT.svg and OUTPUT.png with a gnuplot script that reads these variables."""
    for form in ('svg', 'png'):
        words = ''.join(f"{name}='{text}';" for name, text in
                        {'format': form, 'output': f'{output}.{form}', **variables}.items())
        if run(['gnuplot', '-e', words, script]) != 0:
            raise Failure(f'{script}: gnuplot could not draw {output}.{form}')


# ---- The machine. ----

def available_bytes(maemio):
    """The memory that the machine has available, or this process's control groups if that is less."""
    with open('/proc/meminfo', encoding='ascii') as file:
        available = int(re.search(r'MemAvailable: +(\d+)', file.read())[1]) << 10
    facts = output_of([maemio, 'run', '--workload=skeleton', '--threads=1', '--pin=none', '--txns=1', '--counters=off',
                       '--json=-'])
    limit = re.search(r'"cgroup_memory_bytes":"?(\d+)', facts) # "max", which is none, does not fit
    return min(available, int(limit[1])) if limit else available
