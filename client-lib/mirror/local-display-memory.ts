/**
 * Attaches the display memory of a SpecTcl that runs on this host, by the key that its REST service
 * reports: a System V segment, a mapped file or POSIX shared memory. Used by getSpecTclMemory
 * before it mirrors. Calls the REST service and maps the memory read-only.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { openImage } from '../../protocol/flow/flow-file/image.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../../protocol/spectcl/display-memory.js';
import type { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { parseMemoryKey } from '../../protocol/spectcl/sysv/memory-key.js';
import { attachSegment } from '../../protocol/spectcl/sysv/segment.js';

export interface LocalDisplayMemory {
  /** Valid until `detach`. */
  readonly memory: Buffer;
  readonly detach: () => void;
}

/**
 * Undefined when the memory cannot be attached (another user's, another IPC namespace, no library)
 * or is not this SpecTcl's: a key from a container may name another memory on this host. The
 * bindings of the memory are compared with those that SpecTcl reports. `channelBytes`: size of the
 * memory without its header.
 */
export async function attachLocalMemory(
  service: SpecTclRest,
  channelBytes: number,
): Promise<LocalDisplayMemory | undefined> {
  try {
    const key = parseMemoryKey(await service.shmemKey());
    const bytes = DISPLAY_HEADER_BYTES + channelBytes;
    const attached = attachByKey(key, bytes);
    if (attached === undefined) return undefined;
    const memory = attached.memory.subarray(0, bytes);
    const reported = (await service.bindings()).map(({ binding, name }) => `${binding} ${name}`);
    const present = new Set(bindings(memory).map(({ slot, name }) => `${slot} ${name}`));
    const isSame = present.size === reported.length && reported.every((binding) => present.has(binding));
    if (memory.byteLength === bytes && isSame) return { memory, detach: attached.detach };
    attached.detach();
    return undefined;
  } catch (error) {
    if (isMirrorflowError(error)) return undefined;
    throw error;
  }
}

function attachByKey(key: ReturnType<typeof parseMemoryKey>, bytes: number): LocalDisplayMemory | undefined {
  switch (key?.kind) {
    case 'sysv':
      return attachSegment(key.key, bytes, 'read');
    case 'file':
      return { memory: openImage(key.path), detach: () => undefined };
    case 'posix':
      return { memory: openImage(`/dev/shm/${key.name.replace(/^\//, '')}`), detach: () => undefined };
    case undefined:
      return undefined;
  }
}
