/**
 * A host server with one application, as real processes in directories of their own, which `stop`
 * removes. For tests that use the library by `import 'mirrorflow'`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, connectHost, type Client, type HostConnection } from 'mirrorflow';

const DIST = fileURLToPath(new URL('../../..', import.meta.url));
const START_MS = 45_000;
const RETRY_MS = 10;
export const APP = 'e1';

export interface RealSystem {
  client(name: string): Promise<Client>;
  /** Runs a compiled program to its end; resolves with its exit code and its output. */
  run(program: string, ...args: string[]): Promise<{ code: number | null; text: string }>;
  stop(): Promise<void>;
}

export async function startRealSystem(): Promise<RealSystem> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  const env = {
    ...process.env,
    MIRRORFLOW_DIR: directory,
    MIRRORFLOW_FLOW_DIR: join(directory, 'flows'),
    MIRRORFLOW_LOG_LEVEL: 'warn',
  };
  const server = spawn(
    process.execPath,
    [join(DIST, 'host-server/main.js'), '--listen', 'tcp://127.0.0.1:0'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    },
  );
  const exited = once(server, 'exit');
  const host = await untilAnswered(() => connectHost({ directory }));
  const clients: Client[] = [];
  const programs = new Set<ChildProcess>();
  await host.run({ name: APP });
  return {
    client: async (name) => {
      const client = await connect({ app: APP, name, directory });
      clients.push(client);
      return client;
    },
    run: async (program, ...args) => {
      const child = spawn(process.execPath, [join(DIST, program), ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env,
      });
      programs.add(child);
      let text = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
      }
      const [code] = (await once(child, 'close')) as [number | null];
      programs.delete(child);
      return { code, text };
    },
    stop: async () => {
      for (const child of programs) child.kill('SIGKILL');
      await Promise.all(clients.map((client) => client.close()));
      await host.quit(true);
      await host.close();
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function untilAnswered(connecting: () => Promise<HostConnection>): Promise<HostConnection> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      return await connecting();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
