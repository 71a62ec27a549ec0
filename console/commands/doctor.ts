/**
 * `mirrorflow doctor`: runs the checks of `doctor/` and prints each finding with its remedy.
 *
 * Reads directories, limits and servers of this host; changes nothing, and writes only the file of
 * `--bundle`.
 */
import { writeFileSync } from 'node:fs';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import type { Check, Finding, CheckContext } from '../doctor/check.js';
import { EXIT } from '../exit-codes.js';
import type { TextStyle } from '../render/colour.js';
import { printable } from '../render/printable.js';

const STYLES: Readonly<Record<Finding['state'], TextStyle>> = { ok: 'green', warn: 'yellow', fail: 'red' };

/** For its owner alone, who decides to whom it is sent. */
const BUNDLE_MODE = 0o600;

interface TitledFinding extends Finding {
  readonly check: string;
}

export const doctorCommand = command({
  name: 'doctor',
  summary: 'check this host; print what is wrong and how to fix it',
  positionals: {},
  options: {
    spectcl: { type: 'string', describe: 'check this SpecTcl too: spectcl://HOST?rest=PORT&mirror=PORT' },
    bundle: {
      type: 'string',
      describe:
        'write versions, findings, states, configuration and logs to this file, .tar.gz, without secrets',
      completes: 'file',
    },
  },
  examples: [
    ['doctor', 'exit code 1 when something fails'],
    ['doctor --bundle report.tar.gz', 'for those who are to help: no secret is in it'],
    ['doctor --json', 'an array of objects: check, state, found, mend'],
  ],
  async run(context, { spectcl, bundle }) {
    const { output, env, directory, signal } = context;
    const [installation, machine, running, configured, network, { controllerOf }] = await Promise.all([
      import('../doctor/installation.js'),
      import('../doctor/machine.js'),
      import('../doctor/running.js'),
      import('../doctor/configuration.js'),
      import('../doctor/network.js'),
      import('../doctor/controller.js'),
    ]);
    const checks: readonly Check[] = [
      machine.node,
      installation.nativeModules,
      installation.memoryOrder,
      machine.runtimeDirectories,
      machine.flowSpace,
      machine.sharedMemory,
      machine.openFiles,
      machine.systemd,
      machine.secret,
      running.hostServer,
      configured.configuration,
      network.viewer,
      network.otherHosts,
      running.applications,
      running.gateways,
      running.recorders,
      running.spectcl,
    ];
    const controller = await controllerOf(context);
    const uid = process.geteuid?.() ?? 0;
    const checkContext: CheckContext = { env, uid, directory, spectcl, signal, controller };
    const findings: TitledFinding[] = [];
    for (const check of checks) findings.push(...(await runCheck(check, checkContext)));
    if (output.json) output.value(findings);
    else {
      for (const { check, state, found, mend } of findings) {
        const { unicode } = output.abilities;
        const line = `${output.styled(state.padEnd(4), STYLES[state])}  ${check}: ${printable(found, unicode)}`;
        output.lines(mend === undefined ? [line] : [line, `      ${printable(mend, unicode)}`]);
      }
    }
    if (bundle !== undefined) await writeBundle(context, findings, bundle);
    return findings.some(({ state }) => state === 'fail') ? EXIT.failed : EXIT.success;
  },
});

async function writeBundle(
  context: CommandContext,
  findings: readonly TitledFinding[],
  file: string,
): Promise<void> {
  const { makeBundle } = await import('../bundle/bundle.js');
  const bytes = await makeBundle(context, findings);
  try {
    writeFileSync(file, bytes, { mode: BUNDLE_MODE, flag: 'wx' });
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `the bundle cannot be written to ${file}: ${describeError(error)}; name a new file in a directory of yours`,
      { file },
      error,
    );
  }
  context.output.note(`${file} has ${bytes.length} bytes; look through it before you send it`);
}

function withTitle({ title }: Check, { state, found, mend }: Finding): TitledFinding {
  return { check: title, state, found, ...(mend === undefined ? {} : { mend }) };
}

async function runCheck(check: Check, context: CheckContext): Promise<TitledFinding[]> {
  try {
    const findings = await check.run(context);
    return [findings].flat().map((finding: Finding) => withTitle(check, finding));
  } catch (error) {
    return [
      { check: check.title, state: 'fail', found: describeError(error), mend: 'see the logs of the servers' },
    ];
  }
}
