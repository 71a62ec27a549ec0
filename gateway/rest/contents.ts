/**
 * `spectrum/contents` from the mirror: the channels of a spectrum that are not 0, in SpecTcl's
 * form.
 *
 * `local-requests.ts` calls it with a complete publication. Pure: no I/O.
 */
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { channelsOf, type Binding } from '../../protocol/spectcl/display-memory.js';
import type { Answer } from './answer.js';

/** Channels after which other connections are served first. */
const CHANNELS_PER_TURN = 65_536;
/** Longest answer before compression: that of 4 million channels that are not 0. */
const TEXT_BYTES_MAX = 160 * 1024 * 1024;
const compressed = promisify(deflateRaw);

/**
 * The answer for one spectrum of `memory`, which must not change until the promise is settled. Like
 * SpecTcl's, the answer for a 2-D spectrum is a raw deflate stream, unless `compress` is false.
 * Throws LIMIT_REACHED for more than 160 MiB of text.
 */
export async function contentsAnswer(
  memory: Uint8Array,
  binding: Binding,
  compress: boolean,
): Promise<Answer> {
  const channels = channelsOf(memory, binding);
  const { dimensions, xchans } = binding;
  const parts: string[] = ['{"status":"OK","detail":['];
  let separator = '';
  let length = 0;
  for (let start = 0; start < channels.length; start += CHANNELS_PER_TURN) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    const end = Math.min(channels.length, start + CHANNELS_PER_TURN);
    let part = '';
    for (let at = start; at < end; at += 1) {
      const value = channels[at];
      if (value === 0) continue;
      const x = dimensions === 1 ? at : at % xchans;
      const y = dimensions === 1 ? '' : `,"ychan":${Math.floor(at / xchans)}`;
      part += `${separator}{"xchan":${x}${y},"value":${value}}`;
      separator = ',';
    }
    parts.push(part);
    length += part.length;
    if (length > TEXT_BYTES_MAX) {
      const what = `the contents of ${binding.name} have more than ${TEXT_BYTES_MAX} bytes`;
      throw new MirrorflowError('LIMIT_REACHED', `${what}; read the memory of a mirror instead`);
    }
  }
  parts.push(']}');
  const body = Buffer.from(parts.join(''), 'latin1');
  if (dimensions === 1 || !compress) return { httpStatus: 200, body };
  return { httpStatus: 200, body: await compressed(body), contentEncoding: 'deflate' };
}
