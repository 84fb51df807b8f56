# SPDX-License-Identifier: Apache-2.0
"""A wall clock that a fault can move, for one process: clock_jump.c is preloaded and reads how far from a file."""
import struct


class Clock:
    def __init__(self, path):
        self.path = path
        self.jump(0)

    def jump(self, seconds):
        if self.path.exists():
            with open(self.path, 'r+b') as file:
                file.write(struct.pack('=q', int(seconds)))
        else:
            self.path.write_bytes(struct.pack('=q', int(seconds)))

    def environment(self, library):
        return {'LD_PRELOAD': str(library), 'CLOCK_JUMP_FILE': str(self.path)}
