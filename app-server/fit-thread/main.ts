/**
 * Entry module of the fit thread: a worker of the app server that reads one spectrum, fits it or
 * finds its peaks, sends the result and ends, so that long fits do not block the app server.
 * `spectrum-fits.ts` starts it. Maps the mirror's flow file read-only and asks SpecTcl's REST
 * service for the bins of the axis.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { fitSpectrum } from '../../analysis/fit/fit-spectrum.js';
import { measurePeaks } from '../../analysis/peaks/measure-peaks.js';
import { fitOptionsOf, peakOptionsOf } from '../../analysis/request/spectrum-request.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { FitAnswer, FitRequest, PeakRequest, PeaksAnswer } from '../../protocol/rpc/contract/fits.js';
import { axisBinsOf } from '../../protocol/spectcl/axis-bins.js';
import type { FitOutcome, FitTask } from './fit-messages.js';
import { readSpectrum } from './read-spectrum.js';

const port = parentPort;
if (port === null) throw new Error('fit-thread is a worker; it cannot be run as a program');
void outcomeOf(workerData as FitTask).then((outcome) => port.postMessage(outcome));

async function outcomeOf(task: FitTask): Promise<FitOutcome> {
  try {
    return { answer: await answerOf(task) };
  } catch (error) {
    if (!isMirrorflowError(error)) {
      return { error: { code: 'APPLICATION_ERROR', message: describeError(error), facts: {} } };
    }
    const { code, message, facts } = error;
    return { error: { code, message, facts } };
  }
}

/** The request is checked first: a mistake in it needs no spectrum. */
async function answerOf(task: FitTask): Promise<FitAnswer | PeaksAnswer> {
  const { file, source, name } = task.from;
  const work = task.kind === 'fit' ? fitWork(task.request) : peakWork(task.request);
  const bins = await axisBinsOf(source, name);
  const { channels, label, ...read } = readSpectrum(file, name, bins);
  // Its arrays are read-only; the answer is copied to another thread.
  return { name, axis: label, ...read, ...work(channels) } as unknown as FitAnswer | PeaksAnswer;
}

type Work = (channels: Parameters<typeof fitSpectrum>[0]) => object;

function fitWork({ peaks, at, ...words }: FitRequest): Work {
  const options = fitOptionsOf({ ...words, peaks: peaks?.toString(), at: at?.join(',') });
  return (channels) => fitSpectrum(channels, options);
}

function peakWork({ range, threshold, fwhm }: PeakRequest): Work {
  const options = peakOptionsOf({ range, threshold: threshold?.toString(), fwhm: fwhm?.toString() });
  return (channels) => ({ peaks: measurePeaks(channels, options) });
}
