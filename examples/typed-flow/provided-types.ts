/**
 * Writes and reads flows of the types that come with mirrorflow: JSON, arrays, compressed values.
 *
 *     node dist/examples/typed-flow/provided-types.js [APPLICATION]
 *
 * Usually provider and consumer are two programs.
 */
import { array, compressed, connect, json } from 'mirrorflow';

const client = await connect({ app: process.argv[2] ?? 'demo', name: 'provided-types' });

interface Status {
  readonly run: number;
  readonly beam: string;
}
const statusOut = await client.openOutput('status', { type: json<Status>(), maxBytes: 4096 });
const statusIn = await client.openInput('status', { type: json<Status>() });
await statusOut.write({ run: 42, beam: '48Ca' });
const status = await statusIn.take();
if (status !== undefined) console.log(`run ${status.value.run} with ${status.value.beam}`);

const image = array('f64', [64, 64]);
const imageOut = await client.openOutput('image', { type: image });
const imageIn = await client.openInput('image', { type: image });
const slot = await imageOut.reserve([8, 64]);
slot.value.fill(0.5); // a Float64Array that lies in the flow file
slot.commit();
const frame = await imageIn.take();
if (frame !== undefined) {
  const sum = frame.array.reduce((total, pixel) => total + pixel, 0);
  console.log(`${frame.shape.join(' x ')} pixels, sum ${sum}`);
}

const small = compressed(json<number[]>(), { level: 6, maxBytes: 1_000_000 });
const smallOut = await client.openOutput('small', { type: small, bufferSize: 8192 });
const smallIn = await client.openInput('small', { type: small });
await smallOut.write(Array.from({ length: 100_000 }, () => 0));
const packed = await smallIn.take();
if (packed !== undefined) console.log(`${packed.value.length} numbers in ${packed.size} bytes`);

await client.close();
