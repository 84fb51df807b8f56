#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wrong permissions and wrong doors. usage: check_hostile.py SEGUE WORK_DIR

A Redis user who may only read, who may not write one kind of key, a Redis that evicts, an expired certificate, a registry that is
something else or not there: `segue run` must end at start, with nothing read, one clear message, and the exit code of its kind.
"""
import http.server
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Stack, free_port  # noqa: E402

AWAY, CONFIG = 69, 78
failed = []


def start(stack, what, code, *words):
    """One `segue run` that must not live."""
    config = stack.write_config('0', free_port())
    begin = time.time()
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


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    stack = Stack(segue, work, f'hostile{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=2)
    stack.create_topics()
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
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), NotRegistry)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.registry_root = f'http://127.0.0.1:{server.server_port}'
        start(stack, 'a web server that is no registry', AWAY, 'registry')
        stack.registry_root = f'http://127.0.0.1:{free_port()}'
        start(stack, 'a registry that is not there', AWAY, 'Failed to connect', 'subjects')
    finally:
        redis.terminate()
        redis.wait(timeout=20)
    print(f'hostile_starts: 7\nhostile_failed: {len(failed)}')
    sys.exit(1 if failed else 0)


main()
