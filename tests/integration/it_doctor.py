#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""segue doctor finds what is wrong and names the mend. usage: it_doctor.py SEGUE REGISTRY_STUB

Redis and the registry are real (a stub for the latter); brokers are away, which must not hide the rest."""
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'support'))
from verdict import check, failed  # noqa: E402

SEGUE, STUB = sys.argv[1], sys.argv[2]
CONFIG = """application: bank
kafka:
  brokers: 127.0.0.1:1
registry:
  urls: [http://127.0.0.1:{registry}]
redis:
  address: 127.0.0.1:{redis}
sources:
  transactions: {{topic: bank.transactions, start: earliest}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def doctor(config, *options):
    run = subprocess.run([SEGUE, 'doctor', '--timeout', '1', '--config', str(config), *options], capture_output=True, text=True, timeout=60)
    lines = {}
    if '--json' in options and run.stdout:
        for line in json.loads(run.stdout)['checks']:
            lines.setdefault(line['name'], line)
    return run, lines


def main():
    if shutil.which('redis-server') is None:
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        redis_port = free_port()
        redis = subprocess.Popen(['redis-server', '--port', str(redis_port), '--save', '', '--dir', folder,
                                  '--maxmemory-policy', 'allkeys-lru'], stdout=subprocess.DEVNULL)
        stub = subprocess.Popen([sys.executable, STUB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            registry_port = int(stub.stdout.readline().split()[-1])
            config = pathlib.Path(folder) / 'segue.yaml'
            config.write_text(CONFIG.format(redis=redis_port, registry=registry_port))

            def cli(*words):
                subprocess.run(['redis-cli', '-p', str(redis_port), *words], check=True, capture_output=True)

            for _ in range(200):
                if subprocess.run(['redis-cli', '-p', str(redis_port), 'ping'], capture_output=True).returncode == 0:
                    break
                time.sleep(0.02)
            run, lines = doctor(config, '--json')
            check('brokers away: exit 69', run.returncode == 69, run)
            check('brokers are AWAY', lines['brokers']['level'] == 'AWAY', lines)
            check('the registry answers', lines['registry']['level'] == 'OK', lines)
            check('an evicting Redis fails', lines['redis']['level'] == 'FAIL', lines)
            mend = lines['redis']['mend'].split()
            check('its mend is a command', mend[:1] == ['redis-cli'], mend)
            cli(*mend[1:])
            cli('acl', 'setuser', 'default', '-hset', '-watch')
            run, lines = doctor(config, '--json')
            check('the mend mends it', lines['redis']['level'] == 'OK', lines)
            check('missing commands are named', all(w in lines['redis acl']['mend'] for w in ('+HSET', '+WATCH')), lines)
            cli('acl', 'setuser', 'default', '+hset', '+watch')
            run, lines = doctor(config, '--json')
            check('a right user is OK', lines['redis acl']['level'] == 'OK', lines)
            check('the probe is gone', subprocess.run(['redis-cli', '-p', str(redis_port), 'dbsize'], capture_output=True,
                                                      text=True).stdout.strip() == '0', 'keys are left')
            run, _ = doctor(config)
            check('text names levels and counts', 'AWAY  brokers' in run.stdout and ' failed' in run.stdout, run.stdout)
            redis.kill()
            redis.wait()
            run, lines = doctor(config, '--json')
            check('Redis away is said', lines['redis']['level'] == 'AWAY', lines)
            check('a missing configuration is 78', doctor(config.with_name('none.yaml'))[0].returncode == 78, run)
            check('a strange option is 64', doctor(config, '--no-such')[0].returncode == 64, run)
        finally:
            redis.kill()
            stub.stdin.close()
            stub.wait()
    sys.exit(1 if failed else 0)


main()
