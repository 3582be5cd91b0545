"""What `--help` says besides the options."""

from typing import Final

INTRODUCTION: Final = """\
Read meters that speak IEC 62056-21 (IEC 61107, IEC 1107): electricity, heat,
water, gas; through an optical head, RS-485, a current loop or a gateway.
"""

EXAMPLES: Final = """\
examples:
  iec21 read /dev/ttyUSB0                 everything the meter tells, as a table
  iec21 read --json socket://10.0.0.5:2001
  iec21 watch /dev/ttyUSB0                the same again and again
  iec21 scan                              which port has a meter?
  iec21 decode capture.txt                a telegram in a file, no meter needed
  iec21 get /dev/ttyUSB0 1.8.0 2.8.0      these registers and nothing else
  iec21 profile /dev/ttyUSB0              the quarter hours of yesterday and today
  iec21 simulate --tcp 2001               no meter yet? this is one:
  iec21 read socket://127.0.0.1:2001

PORT is a device (/dev/ttyUSB0, COM3) or a URL: socket://HOST:PORT for a raw TCP
gateway, rfc2217://HOST:PORT for one that can change the speed, esphome://… for
a serial proxy.

exit status:
  0 done   2 wrong usage   3 nobody answered   4 the port cannot be used
  5 the answer cannot be used (damaged, or another protocol)
  6 the meter refused
"""

_SEARCH = """\
Unless an option says how to begin (--mode, --baud, --framing, --wake-up,
--sign-on, --software-parity, --no-switch), a meter that does not answer an
ordinary sign-on is searched for in other ways, which takes half a minute.
"""

READ: Final = f"""\
{_SEARCH}
examples:
  iec21 read /dev/ttyUSB0
  iec21 read /dev/ttyUSB0 --address 12345678     one of several meters on a line
  iec21 read /dev/ttyUSB0 --wake-up 66           a heat meter on a battery
  iec21 read /dev/ttyUSB0 --mode d --baud 9600   a meter that sends by itself
  iec21 read --json /dev/ttyUSB0 > readout.json
"""

IDENTIFY: Final = f"""\
{_SEARCH}
example:
  iec21 identify /dev/ttyUSB0
"""

WATCH: Final = f"""\
A failure is one line on standard error, and the next readout may be better.
Ctrl-C ends it.

{_SEARCH}
examples:
  iec21 watch /dev/ttyUSB0 --interval 300
  iec21 watch --json /dev/ttyUSB0 --mode d --baud 9600 >> telegrams.jsonl
"""

RECORD: Final = f"""\
The file shows every byte sent and received, when, and at what speed. What names
the meter or its owner is masked, and the file is worth sending with a report,
above all when the readout fails.

{_SEARCH}
examples:
  iec21 record /dev/ttyUSB0 -o meter.json
  iec21 decode meter.json                  what the meter said
  iec21 simulate --tcp 2001 --trace meter.json
"""

SCAN: Final = """\
Without PORT, all serial ports of this machine. All are tried at the same time,
each for at most half a minute. Opening a port may reset what hangs on it, as it
does with an Arduino.

examples:
  iec21 scan
  iec21 scan --json /dev/ttyUSB0 /dev/ttyUSB1
"""

DECODE: Final = """\
The file may hold the bytes as they came, the same in hexadecimal, text with
<STX> and its like, or a trace of iec21 record. Identification, frame and check
may be missing. A damaged telegram is shown as far as it goes, and the exit
status is 5.

examples:
  iec21 decode capture.txt
  xxd -p capture.bin | iec21 decode --json -
"""

_SENT_ONCE = """\
A password is sent once. One that the meter refuses is never sent again by itself,
since some meters lock up after a few wrong ones.
"""

GET: Final = f"""\
What the meter wants in the brackets may stand behind a code: "0000(10)". A
register that the meter refuses is named, the others are read, and the exit
status is 6.

{_SENT_ONCE}
examples:
  iec21 get /dev/ttyUSB0 1.8.0 2.8.0
  IEC21_SENT_ONCE=00000000 iec21 get /dev/ttyUSB0 C.1.0
  iec21 get socket://10.0.0.5:2001 2:302.0 7:310.0    a gas volume corrector
"""

SET: Final = f"""\
The old value is shown, and you are asked before anything is written; where
nobody can be asked, --yes is needed. What was written is read back.

A wrong value may break a seal, a billing period or the law.

{_SENT_ONCE}
examples:
  iec21 set /dev/ttyUSB0 0.9.1 120000
  IEC21_SENT_ONCE=00000000 iec21 set --yes /dev/ttyUSB0 0.9.2 261121
  IEC21_SENT_ONCE=11111111 iec21 set --lock customer /dev/ttyUSB0 4:150.0 30
"""

PROFILE: Final = f"""\
Without --from and --to, a load profile is read for yesterday and today, and a
log book from its beginning to its end. A time is the end of an interval, and both
ends belong to the range; of dates alone all of both days. Rows are printed as
they come.

{_SENT_ONCE}
examples:
  iec21 profile /dev/ttyUSB0 --from 2026-11-01 --to 2026-11-20 --csv > november.csv
  iec21 profile /dev/ttyUSB0 --zone Europe/Berlin
  iec21 profile /dev/ttyUSB0 --register P.98
  iec21 profile /dev/ttyUSB0 --register 3    an archive of a gas volume corrector
"""

SIMULATE: Final = """\
The first line printed is the PORT to give to a client. Ctrl-C ends it.

samples:
{samples}

faults:
{faults}

examples:
  iec21 simulate --tcp 2001
  iec21 simulate --pty /tmp/meter --line-rate --sample iskra_mt174
  iec21 simulate --tcp 0 --telegram capture.txt --fault noise --fault slow
  iec21 simulate --tcp 2001 --trace meter.json
  iec21 simulate --tcp 2001 --address 1 --sample household \\
                            --address 2 --sample iskra_mt174
"""
