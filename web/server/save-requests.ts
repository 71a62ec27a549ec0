/**
 * Answers `/api/save`: spectra of one publication as a file of another program, or as an archive of
 * files where the format holds one spectrum. `ApiRequests` calls it. Reads the mirror of the
 * application's watch; writes the response piece by piece, as the browser takes it.
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  FORMAT_FACTS,
  isSaveFormat,
  SAVE_FORMATS,
  type SaveFormat,
} from '../../plotting/files/save-formats.js';
import { SpectraView } from '../../client-lib/index.js';
import type { SavedSpectrum } from '../../plotting/files/saved-spectrum.js';
import { fileContent, fileNames, plainName, whyNotSaved } from '../../plotting/files/spectrum-files.js';
import { tarEnd, tarEntry } from '../../plotting/files/tar.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { spectrumInRange } from '../../protocol/spectcl/spectrum-in-range.js';
import { checkedApp, momentOf } from './request-words.js';
import type { Applications, MaySee } from './applications.js';
import type { AppWatch } from './app-watch.js';
import type { CountsSource } from './counts-source.js';
import type { Past } from './past/past.js';
import { untilRead } from './watch-wait.js';

interface SaveRequest {
  readonly app: string;
  readonly format: SaveFormat;
  /** Undefined for all spectra. */
  readonly names: readonly string[] | undefined;
  /** The moment of the recording; undefined for the present. */
  readonly atMs: number | undefined;
}

/** Counts of one answer, which are copied; the command line saves more. */
const SAVED_BYTES_MAX = 256 * 2 ** 20;
const ANSWERS_MAX = 2;
const WORDS = ['app', 'format', 'spectrum', 'all', 'moment'];

export class SaveRequests {
  readonly #applications: Applications;
  #answering = 0;

  constructor(applications: Applications) {
    this.#applications = applications;
  }

  /**
   * Throws before the response begins: BAD_OPTION, UNKNOWN_APPLICATION, UNKNOWN_SPECTRUM,
   * TOO_LARGE, LIMIT_REACHED and TIMED_OUT.
   */
  async answer(maySee: MaySee, url: string, response: ServerResponse): Promise<void> {
    const request = saveRequest(url);
    const app = await checkedApp(this.#applications, maySee, request.app);
    const watch = this.#applications.watch(app);
    if (watch === undefined || this.#answering >= ANSWERS_MAX) {
      throw new MirrorflowError('LIMIT_REACHED', 'too much is saved or watched at the moment; retry later', {
        app,
      });
    }
    this.#answering += 1;
    try {
      const read =
        request.atMs === undefined
          ? await readSaved(watch, request)
          : await readRecorded(this.#applications.past, request, request.atMs);
      const spectra = savedOnes(request, read);
      await send(request, spectra, response);
    } finally {
      this.#answering -= 1;
    }
  }
}

async function send(
  { app, format, names }: SaveRequest,
  spectra: readonly SavedSpectrum[],
  response: ServerResponse,
): Promise<void> {
  const { extension, mediaType, holdsSeveral } = FORMAT_FACTS[format];
  const isArchive = spectra.length > 1 && !holdsSeveral;
  const [only] = names?.length === 1 ? spectra : [];
  const plain = plainName(only?.name ?? `${app}-${timeText(spectra[0]?.atMs ?? 0)}`);
  response.setHeader('Content-Type', isArchive ? 'application/x-tar' : mediaType);
  response.setHeader(
    'Content-Disposition',
    `attachment; filename="${plain}.${isArchive ? 'tar' : extension}"`,
  );
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(200);
  const pieces = isArchive ? archive(format, spectra) : fileContent(format, spectra);
  // A browser that leaves ends the answer: no one is there to receive the error.
  await pipeline(Readable.from(pieces), response).catch(() => response.destroy());
}

function saveRequest(url: string): SaveRequest {
  const words = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const unknown = [...words.keys()].find((word) => !WORDS.includes(word));
  const [app, format, names] = [words.get('app'), words.get('format'), words.getAll('spectrum')];
  const all = words.get('all') === 'true';
  if (unknown !== undefined) {
    throw new MirrorflowError('BAD_OPTION', `${unknown} is unknown; known are ${WORDS.join(', ')}`);
  }
  if (app === null || !isSaveFormat(format) || all === names.length > 0) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `give app, format (${SAVE_FORMATS.join(', ')}), and spectrum for each of them or all=true`,
    );
  }
  return { app, format, names: all ? undefined : names, atMs: momentOf(words.get('moment')) };
}

/** Copies of one publication. */
async function readSaved(watch: AppWatch, request: SaveRequest): Promise<readonly SavedSpectrum[]> {
  const leave = watch.enter();
  try {
    // The list may be known from before the mirror was closed.
    const isReady = (): boolean => watch.isAttached && watch.listIsKnown && watch.metadata.isAnswered;
    await untilRead(watch, 'the list of spectra', isReady);
    const { metadata } = watch;
    const read = watch.readMirror((view, { timestampNs }) =>
      selected(view, request, metadata, timestampNs / 1e6),
    );
    return read === undefined ? [] : checked(read, request);
  } finally {
    leave();
  }
}

/** Copies of one recorded publication. */
function readRecorded(past: Past, request: SaveRequest, atMs: number): Promise<readonly SavedSpectrum[]> {
  return past.withMoment(request.app, atMs, ({ memory, metadata, publication }) => {
    const view = new SpectraView(memory ?? new Uint8Array(0));
    return checked(selected(view, request, metadata, publication.atMs), request);
  });
}

interface Selected {
  readonly spectra: readonly SavedSpectrum[];
  /** Bytes of the counts; with too many none are copied. */
  readonly bytes: number;
  readonly missing: string | undefined;
}

function selected(
  view: SpectraView,
  { names }: SaveRequest,
  metadata: CountsSource['metadata'],
  atMs: number,
): Selected {
  const all = view.list();
  const wanted = names === undefined ? all : all.filter(({ name }) => names.includes(name));
  let bytes = 0;
  for (const { counts } of wanted) bytes += counts.byteLength;
  const missing = names?.find((name) => !all.some((spectrum) => spectrum.name === name));
  const isCopied = bytes <= SAVED_BYTES_MAX;
  const spectra = isCopied
    ? wanted.map(({ name, binding, counts }) =>
        spectrumInRange(binding, counts, metadata.spectrum(name), atMs),
      )
    : [];
  return { spectra, bytes, missing };
}

/** Throws TOO_LARGE and UNKNOWN_SPECTRUM. */
function checked({ spectra, bytes, missing }: Selected, { app }: SaveRequest): readonly SavedSpectrum[] {
  if (bytes > SAVED_BYTES_MAX) {
    throw new MirrorflowError(
      'TOO_LARGE',
      `the spectra have ${bytes} bytes of counts; at most ${SAVED_BYTES_MAX} are sent, mirrorflow save writes more`,
    );
  }
  if (missing === undefined) return spectra;
  throw new MirrorflowError('UNKNOWN_SPECTRUM', `there is no spectrum ${JSON.stringify(missing)} in ${app}`, {
    name: missing,
  });
}

/**
 * The spectra that the format can hold. Throws BAD_OPTION with the reason when it can hold none.
 */
function savedOnes({ format }: SaveRequest, spectra: readonly SavedSpectrum[]): readonly SavedSpectrum[] {
  const saved = spectra.filter((spectrum) => whyNotSaved(format, spectrum) === undefined);
  const [first] = spectra;
  if (saved.length > 0) return saved;
  const reason = first === undefined ? undefined : whyNotSaved(format, first);
  throw new MirrorflowError('BAD_OPTION', reason ?? 'there are no spectra to save');
}

function* archive(format: SaveFormat, spectra: readonly SavedSpectrum[]): Generator<Uint8Array> {
  const names = fileNames(format, spectra);
  for (const [index, spectrum] of spectra.entries()) {
    const content = Buffer.concat([...fileContent(format, [spectrum])]);
    yield* tarEntry(names[index] ?? '', content, spectrum.atMs);
  }
  yield tarEnd();
}

/** As 20261130T123839Z, in UTC. */
function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}
