#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wrong permissions and wrong doors. usage: check_hostile.py SEGUE WORK_DIR

A Redis user who may only read, who may not write one kind of key, a Redis that evicts, expired certificates, a registry that is
something else or not there, a Kafka user who lacks one ACL: `segue run` must end at start, with nothing read, one clear message, and
the exit code of its kind. With the ACLs that `segue topics --acls` prints, and no other, it runs.
"""
import http.server
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, NewPartitions,
                                   ResourcePatternType, ResourceType)

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Stack, free_port  # noqa: E402

AWAY, CONFIG = 69, 78
failed, starts = [], []
SASL = """
listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.sasl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_segue="secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


def start(stack, what, code, *words):
    """One `segue run` that must not live."""
    config = stack.write_config('0', free_port())
    begin = time.time()
    starts.append(what)
    try:
        run = subprocess.run([stack.segue, 'run', '--config', config], capture_output=True, text=True, timeout=90, check=False)
        lines = [line for line in run.stderr.splitlines() if line.startswith('segue run: ')]
        good = run.returncode == code and len(lines) == 1 and all(word in lines[0] for word in words)
        shown = f'exit {run.returncode}, {lines or run.stderr[-600:]}'
    except subprocess.TimeoutExpired as late:
        good, shown = False, f'still runs after 90 s: {(late.stderr or b"")[-600:]}'
    print('ok  ' if good else 'FAIL', what, f'({time.time() - begin:.1f} s)', '' if good else shown)
    if good:
        print('      ', lines[0])
    else:
        failed.append(what)


def add_partitions(stack, topic, count):
    admin = AdminClient({'bootstrap.servers': stack.brokers})
    for future in admin.create_partitions([NewPartitions(topic, count)]).values():
        future.result(20)


def stop_while_starting(stack, command):
    """With a broker that is not there a start lasts half a minute; SIGTERM does not."""
    what, catches = f'SIGTERM while segue {command} starts', 1 << (signal.SIGTERM - 1)
    starts.append(what)
    config = pathlib.Path(stack.write_config('0', free_port()))
    if command == 'repartition':
        config.write_text(config.read_text().replace('start: earliest}', 'start: earliest, repartition: partitions}'))
    run = subprocess.Popen([stack.segue, command, '--config', config], stderr=subprocess.DEVNULL)
    about = pathlib.Path(f'/proc/{run.pid}/status')
    while run.poll() is None and not int(about.read_text().split('SigCgt:')[1].split()[0], 16) & catches:
        time.sleep(0.05)
    run.terminate()
    code = run.wait(timeout=90)
    print('ok  ' if code == 0 else 'FAIL', what, '' if code == 0 else f'exit {code}')
    if code != 0:
        failed.append(what)


class NotRegistry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'<html>a web server, but no registry</html>'
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def expired_redis(folder):
    """Something that speaks TLS with a certificate that has expired. Port, and the CA file that signed it: itself."""
    key, cert = folder / 'expired.key', folder / 'expired.pem'
    subprocess.run(['openssl', 'genrsa', '-out', key, '2048'], check=True, capture_output=True)
    subprocess.run(['openssl', 'req', '-new', '-key', key, '-out', folder / 'request.pem', '-subj', '/CN=127.0.0.1',
                    '-addext', 'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)
    subprocess.run(['openssl', 'x509', '-req', '-in', folder / 'request.pem', '-signkey', key, '-out', cert, '-days', '-1',
                    '-copy_extensions', 'copyall'], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(('127.0.0.1', 0))

    def serve():
        while True:
            connection, _ = listener.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], cert


class GuardedBroker:
    """A broker of our own with an authorizer: who comes through its first port may do all, user segue only what is permitted."""

    def __init__(self, folder):
        self.folder = folder
        while True:
            self.port = free_port()
            if not any(self.taken(self.port + n) for n in (1, 2)):
                break
        self.shell('start_kafka', self.port, KAFKA_PROPERTIES=SASL.format(port=self.port, controller=self.port + 1, sasl=self.port + 2))
        self.admin = AdminClient({'bootstrap.servers': f'127.0.0.1:{self.port}'})

    @staticmethod
    def taken(port):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', port)) == 0

    def shell(self, function, *words, **environment):
        script = f'. deploy/lib/steps.sh; . deploy/lib/services.sh; {function} "{self.folder}" {" ".join(map(str, words))}'
        run = subprocess.run(['bash', '-c', script], cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
        if run.returncode != 0:
            raise SystemExit(f'{function}: {run.stdout[-2000:]}')

    def acls(self, commands):
        """kafka-acls.sh commands -> bindings."""
        out = []
        for line in commands.splitlines():
            words = line.split()
            kind = next(k for k in ('--topic', '--group', '--transactional-id') if k in words)
            resource = {'--topic': ResourceType.TOPIC, '--group': ResourceType.GROUP, '--transactional-id': ResourceType.TRANSACTIONAL_ID}[kind]
            pattern = ResourcePatternType.PREFIXED if 'prefixed' in words else ResourcePatternType.LITERAL
            for at, word in enumerate(words):
                if word == '--operation':
                    operation = {'Read': AclOperation.READ, 'Write': AclOperation.WRITE, 'Delete': AclOperation.DELETE,
                                 'Describe': AclOperation.DESCRIBE, 'DescribeConfigs': AclOperation.DESCRIBE_CONFIGS}[words[at + 1]]
                    out.append(AclBinding(resource, words[words.index(kind) + 1], pattern, 'User:segue', '*', operation,
                                          AclPermissionType.ALLOW))
        return out

    def permit(self, bindings):
        for future in self.admin.create_acls(bindings).values() if bindings else ():
            future.result(20)

    def forbid(self, bindings):
        filters = [AclBindingFilter(b.restype, b.name, b.resource_pattern_type, b.principal, b.host, b.operation, b.permission_type)
                   for b in bindings]
        for future in self.admin.delete_acls(filters).values() if filters else ():
            future.result(20)


def check_acls(segue, work, module):
    broker = GuardedBroker(work / 'guarded')
    plain = module.CONFIG
    try:
        stack = Stack(segue, work, f'acl{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=2, brokers=f'127.0.0.1:{broker.port}')
        stack.create_topics()
        (stack.folder / 'kafka-password').write_text('secret\n')
        (stack.folder / 'kafka-password').chmod(0o400)
        stack.segue_brokers = f'127.0.0.1:{broker.port + 2}'
        module.CONFIG = plain.replace('kafka:\n', f"""kafka:
  security.protocol: sasl_plaintext
  sasl.mechanism: PLAIN
  sasl.username: segue
  sasl.password_file: {stack.folder}/kafka-password
""")
        config = stack.write_config('tool')
        bindings = broker.acls(stack.command('topics', '--acls', 'User:segue', '--config', config).stdout)
        broker.permit(bindings)
        for what, name, operations, word in (
                ('may not write dead letters', stack.topic('dead-letters'), [AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS], 'Write of topic'),
                ('may not write the journal', stack.topic('journal'), [AclOperation.WRITE], 'Write of topic'),
                ('may not read a source', stack.topic('in-transactions'), [AclOperation.READ, AclOperation.DESCRIBE_CONFIGS], 'Read of topic'),
                ('may not read checkpoints', stack.topic('checkpoints'), [AclOperation.READ], 'Read of topic'),
                ('may not see playbooks', stack.topic('playbook'), [AclOperation.READ, AclOperation.DESCRIBE_CONFIGS], 'Read of topic'),
                ('may see playbooks, not read them', stack.topic('playbook'), [AclOperation.READ], 'Read of topic'),
                ('may not read what offers led to', stack.topic('offer-stats'), [AclOperation.READ], 'Read of topic'),
                ('may not use the group', stack.name, [AclOperation.READ], 'Read of group'),
                ('may not use transactions', f'{stack.name}.', [AclOperation.WRITE, AclOperation.DESCRIBE], 'Write of transactional-id')):
            missing = [b for b in bindings if b.name == name and b.operation in operations]
            seen = [AclBinding(b.restype, b.name, b.resource_pattern_type, b.principal, b.host, AclOperation.DESCRIBE, b.permission_type)
                    for b in missing if 'may see' in what and b.restype == ResourceType.TOPIC]
            broker.permit(seen)
            broker.forbid(missing)
            time.sleep(0.5)
            start(stack, f'a Kafka user who {what}', CONFIG, word, name.rstrip('.'), 'kafka-acls.sh')
            said = stack.command('doctor', '--config', config, check=False).stdout
            if not any(line.startswith('FAIL  kafka acl') and name.rstrip('.') in line for line in said.splitlines()):
                failed.append(f'doctor: {what}')
                print('FAIL doctor:', what, said)
            broker.permit(missing)
            broker.forbid(seen)
        time.sleep(0.5)
        process = module.Process(stack).start()
        end = time.time() + 60
        while process.metrics().get('segue_tasks_ready') != 2 and process.running() and time.time() < end:
            time.sleep(0.2)
        good = process.metrics().get('segue_tasks_ready') == 2
        print('ok  ' if good else 'FAIL', 'with the ACLs that segue topics --acls prints, it runs')
        if not good:
            failed.append('with all ACLs')
            print(process.get('/readyz'), process.tail_of_log())
        if process.running():
            process.kill()
    finally:
        module.CONFIG = plain
        broker.shell('stop_all')


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    stack = Stack(segue, work, f'hostile{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=2)
    stack.create_topics()
    few = Stack(segue, work, f'few{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=1)
    few.create_topics()
    journal = few.topic('journal')
    add_partitions(few, journal, 2)
    start(few, 'more partitions of the journal than tasks', CONFIG, f'the journal {journal} has 2 partitions and there is 1 task;', 'topics --create')
    folder, port = stack.folder, free_port()
    redis = subprocess.Popen(['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
                             stdout=subprocess.DEVNULL)
    try:
        good = stack.redis_address, stack.registry_root
        stack.redis_address = f'127.0.0.1:{port}'
        client = stack.redis_client()
        while True:
            try:
                client.ping()
                break
            except Exception:  # noqa: BLE001
                time.sleep(0.1)
        (folder / 'password').write_text('secret\n')
        (folder / 'password').chmod(0o400)
        client.execute_command('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@read', '+@connection', '+info', '+multi', '+exec')
        client.execute_command('ACL', 'SETUSER', 'stranger', 'on', '>secret', '~other*', '+@all')
        plain = 'redis:\n  address:'
        import stack as module
        template = module.CONFIG
        module.CONFIG = template.replace(plain, f'redis:\n  user: reader\n  password_file: {folder}/password\n  address:')
        start(stack, 'a user who may only read', CONFIG, 'Redis user reader may not', 'acl setuser reader')
        module.CONFIG = template.replace(plain, f'redis:\n  user: stranger\n  password_file: {folder}/password\n  address:')
        start(stack, 'a user of other keys', CONFIG, 'Redis user stranger may not', stack.name)
        (folder / 'password').chmod(0o600)
        (folder / 'password').write_text('wrong\n')
        start(stack, 'a wrong password', CONFIG, 'refuses user `stranger`')
        module.CONFIG = template
        client.config_set('maxmemory-policy', 'allkeys-lru')
        start(stack, 'a Redis that evicts', CONFIG, 'noeviction')
        tls_port, cert = expired_redis(folder)
        stack.redis_address = f'127.0.0.1:{tls_port}'
        module.CONFIG = template.replace(plain, f'redis:\n  tls: true\n  ca_file: {cert}\n  address:')
        start(stack, 'an expired certificate', AWAY, 'expired')
        module.CONFIG = template
        stack.redis_address = good[0]
        brokers = stack.segue_brokers
        stack.segue_brokers = f'127.0.0.1:{tls_port}'
        module.CONFIG = template.replace('kafka:\n', f'kafka:\n  security.protocol: ssl\n  ssl.ca.location: {cert}\n')
        start(stack, 'a broker with an expired certificate', AWAY, 'certificate verify failed')
        module.CONFIG, stack.segue_brokers = template, f'127.0.0.1:{free_port()}'
        for command in ('run', 'repartition'):
            stop_while_starting(stack, command)
        stack.segue_brokers = brokers
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), NotRegistry)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.registry_root = f'http://127.0.0.1:{server.server_port}'
        start(stack, 'a web server that is no registry', AWAY, 'registry')
        stack.registry_root = f'http://127.0.0.1:{free_port()}'
        start(stack, 'a registry that is not there', AWAY, 'Failed to connect', 'subjects')
    finally:
        redis.terminate()
        redis.wait(timeout=20)
    add_partitions(stack, stack.topic('in-transactions'), 4)
    stack.registry_root = good[1]
    start(stack, 'a source that got more partitions', CONFIG, 'tasks: 2', 'have 4 partitions')
    said = stack.command('doctor', '--config', stack.write_config('tool'), check=False).stdout
    if 'FAIL  tasks' not in said:
        failed.append('doctor: more partitions')
        print('FAIL doctor:', said)
    check_acls(segue, work, module)
    print(f'hostile_starts: {len(starts)}\nhostile_failed: {len(failed)}')
    sys.exit(1 if failed else 0)


main()
