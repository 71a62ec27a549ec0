/**
 * The files and the sockets of one flow on this host, created together and removed together: the
 * flow file (a ring of buffers in shared memory), for a mirror the image beside it (the newest
 * buffer, byte for byte), the sockets of the signal link, one for consumers, one for providers and,
 * where the flow wants it, one for datagrams, and the FlowHost that serves clients on them.
 *
 * Every kind of flow (local/, mirror/, remote/) makes its HostedFlow here and owns it. Creates
 * directories, maps files, listens on a Unix socket.
 */
import { closeSync, existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { claimPath, inodeOf, releasePath, type ClaimState } from '../../protocol/base/files/claim.js';
import { prepareDirectory } from '../../protocol/base/files/private-directory.js';
import type { Logger } from '../../protocol/base/log.js';
import {
  appFlowDirectory,
  datagramSocketPath,
  flowFilePath,
  imageFilePath,
  linkSocketPath,
  providerSocketPath,
} from '../../protocol/base/paths.js';
import { clearUnpublished } from '../../protocol/flow/flow-file/copied-ring.js';
import type { FlowFileOptions } from '../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { createImage } from '../../protocol/flow/flow-file/image.js';
import { inspectFlowFile } from '../../protocol/flow/flow-file/open.js';
import type { LinkServer } from '../../protocol/flow/signal-link/link.js';
import { datagramLink } from '../../protocol/flow/signal-link/datagram-link.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import { PutBack } from '../../protocol/host/put-back.js';
import { Access } from '../../protocol/host/access/access.js';
import type { DuplicatorOptions } from '../options.js';
import { mapImage } from '../recovery/image-check.js';
import { obtainFlowFile, type ObtainedFile, type PredecessorState } from '../recovery/obtain-file.js';
import { FlowHost, type FlowHostOptions } from './flow-host.js';
import { listenOnLink } from './listen.js';
import { OwnedFiles, openIfPossible, type Damage } from './owned-files.js';

/** Where a flow is found on this host. */
export interface FlowLayout {
  readonly file: string;
  /** Socket of the signal link. */
  readonly link: string;
  /** A mirror's image. */
  readonly image?: string;
  /** Bytes that a buffer can hold. */
  readonly bufferSize: number;
  /** Buffers of the ring. */
  readonly buffers: number;
  /** The file of the predecessor was damaged, and has been replaced. */
  readonly replacedDamage?: true;
}

/** What the flow is to be, as its kind decides. */
export interface HostedFlowRequest extends Pick<
  FlowFileOptions,
  'identity' | 'slotCount' | 'payloadCapacity' | 'flags'
> {
  /**
   * Whether providers of this host write into the flow file; they are granted access to it then.
   */
  readonly localProvider: boolean;
  /** Whether clients of this process's user can join over datagrams too. */
  readonly datagrams?: boolean;
  readonly hasImage: boolean;
  /** What a dead duplicator of the same flow left; its file is taken over where it is sound. */
  readonly predecessor: PredecessorState;
  readonly host: Pick<FlowHostOptions, 'openSlots' | 'beforeLossless'> & {
    /** Overrides the number of lossless consumers that the predecessor had. */
    readonly expected?: number;
  };
}

type FlowOptions = Pick<
  DuplicatorOptions,
  'app' | 'flow' | 'directory' | 'flowDirectory' | 'access' | 'reattachMs' | 'stallTimeoutMs'
>;

/** Stall timeout of a mirror that has none configured. */
const MIRROR_STALL_TIMEOUT_MS = 5_000;

interface MappedImage {
  readonly path: string;
  /** The whole mapping, writable. */
  readonly bytes: Buffer;
}

/** A socket of the signal link. */
interface LinkSocket {
  readonly links: LinkServer;
  readonly path: string;
  /** Undefined: for this process's user only. */
  readonly kind?: 'read socket' | 'provide socket';
}

/** Longest wait for room for the copies of files that another program has removed. */
const PUT_BACK_MS = 5_000;
const PUT_BACK_RETRY_MS = 50;

/** Mode of a link socket until `Access` has granted it to its users and groups. */
const OWNER_ONLY_MODE = 0o600;
/** The provider, and others that ask while there is one. */
const PROVIDER_LINKS = 64;

export class HostedFlow {
  readonly file: FlowFile;
  readonly host: FlowHost;
  readonly image: MappedImage | undefined;
  /** The file was a dead owner's, and its sequences continue. */
  readonly takenOver: boolean;
  readonly #link: string;
  /** Inode of the flow file, so that a successor's file at the same path is never removed. */
  readonly #inode: bigint | undefined;
  readonly #owned: OwnedFiles;
  readonly #prepare: () => Access;
  readonly #linkKeeper: PutBack;
  readonly #clock: Clock;
  readonly #log: Logger;
  #replacedDamage = false;

  private constructor(
    file: FlowFile,
    inode: bigint | undefined,
    owned: OwnedFiles,
    prepare: () => Access,
    linkKeeper: PutBack,
    host: FlowHost,
    image: MappedImage | undefined,
    link: string,
    takenOver: boolean,
    clock: Clock,
    log: Logger,
  ) {
    this.file = file;
    this.host = host;
    this.image = image;
    this.takenOver = takenOver;
    this.#link = link;
    this.#inode = inode;
    this.#prepare = prepare;
    this.#linkKeeper = linkKeeper;
    this.#clock = clock;
    this.#log = log;
    this.#owned = owned;
    // Clients of a truncated file end by SIGBUS, and so would this process with the next access.
    host.on('linkEnd', () => this.#owned.examine());
  }

  /**
   * Makes the flow, or takes over what a dead predecessor left, and listens for clients. Throws
   * what claiming, allocating, mapping and listening throw: FILE_OWNED, TOO_LARGE, NO_SPACE,
   * ADDRESS_IN_USE, NOT_PERMITTED, SYSTEM_ERROR. A new file is removed then; one that was taken
   * over stays for the next start, since it holds what was published.
   */
  static async create(
    options: FlowOptions,
    request: HostedFlowRequest,
    clock: Clock,
    log: Logger,
  ): Promise<HostedFlow> {
    const { app, flow, flowDirectory, reattachMs } = options;
    // One stuck viewer must not stop the images of all others.
    const stallTimeoutMs =
      request.hasImage && options.stallTimeoutMs === 0 ? MIRROR_STALL_TIMEOUT_MS : options.stallTimeoutMs;
    const { identity, slotCount, payloadCapacity, flags } = request;
    const link = linkSocketPath(options.directory, app, flow);
    const prepare = (): Access => prepareDirectories(options, link, log);
    const access = prepare();
    const path = flowFilePath(flowDirectory, app, flow);
    const imagePath = request.hasImage ? imageFilePath(flowDirectory, app, flow) : undefined;
    const granted = request.localProvider ? 'flow file' : 'image';
    // Before it is taken over: whatever happens to its name meanwhile, its content can be put back.
    const held = openIfPossible(path);
    const obtained = obtain(held, () =>
      obtainFlowFile(
        { path, identity, slotCount, payloadCapacity, flags, ...access.of(granted) },
        flowDirectory,
        request.predecessor,
        log,
      ),
    );
    const { file, expected, takenOver, replacedDamage } = obtained;
    const inode = inodeOf(path);
    const settle = (source: number, copy: number): void => clearUnpublished(source, copy, file.geometry);
    const owned = new OwnedFiles();
    const links = streamLink().createServer({ socketMode: OWNER_ONLY_MODE });
    const providerLinks = request.localProvider
      ? streamLink().createServer({ socketMode: OWNER_ONLY_MODE, clients: PROVIDER_LINKS })
      : undefined;
    const datagramLinks =
      request.datagrams === true ? datagramLink().createServer({ socketMode: OWNER_ONLY_MODE }) : undefined;
    try {
      owned.add({
        path,
        fd: takenOver ? held : undefined,
        bytes: file.geometry.fileBytes,
        access: access.of(granted),
        ...(request.localProvider ? { settle } : {}),
        claim: (at, copy) => claimPath(at, copy, inspectOtherOwner),
      });
      access.grant(path, granted, takenOver);
      const image = imagePath === undefined ? undefined : obtainImage(imagePath, file, access, takenOver);
      if (image !== undefined)
        owned.add({ path: image.path, bytes: payloadCapacity, access: access.of('image') });
      const host = new FlowHost({
        file,
        links,
        providerLinks,
        datagramLinks,
        local: request.localProvider,
        expected,
        reattachMs,
        stallTimeoutMs,
        clock,
        log,
        ...request.host,
      });
      await listenOnLink(links, link);
      const sockets: LinkSocket[] = [{ links, path: link, kind: 'read socket' }];
      if (providerLinks !== undefined) {
        const providerLink = providerSocketPath(options.directory, app, flow);
        sockets.push({ links: providerLinks, path: providerLink, kind: 'provide socket' });
      }
      if (datagramLinks !== undefined)
        sockets.push({ links: datagramLinks, path: datagramSocketPath(options.directory, app, flow) });
      await openSockets(sockets, access);
      const linkKeeper = new PutBack(
        [...sockets.map((socket) => socket.path), options.directory],
        () => {
          const granting = prepare();
          return openSockets(
            sockets.filter((socket) => !existsSync(socket.path)),
            granting,
          );
        },
        log,
      );
      const hosted = new HostedFlow(
        file,
        inode,
        owned,
        prepare,
        linkKeeper,
        host,
        image,
        link,
        takenOver,
        clock,
        log,
      );
      hosted.#replacedDamage = replacedDamage;
      return hosted;
    } catch (error) {
      await Promise.all([links.close(), providerLinks?.close(), datagramLinks?.close()]);
      if (takenOver) leaveInPlace(owned, log);
      else removeFiles(path, inode, imagePath);
      owned.close();
      throw error;
    }
  }

  /**
   * Watches the files: `onDamaged` is called once, when another program has removed or truncated
   * one of them.
   */
  watch(onDamaged: (damage: Damage, path: string) => void): void {
    this.#owned.watch((damage, path) => {
      if (damage === 'removed') this.#putBackEarly();
      onDamaged(damage, path);
    });
  }

  /** Whether `release` leaves the files to a successor. */
  get leavesFiles(): boolean {
    return this.#owned.damage === 'removed';
  }

  get layout(): FlowLayout {
    const { payloadCapacity, slotCount } = this.file.geometry;
    const places = {
      file: this.file.path,
      link: this.#link,
      bufferSize: payloadCapacity,
      buffers: slotCount,
      ...(this.#replacedDamage ? { replacedDamage: true as const } : {}),
    };
    return this.image === undefined ? places : { ...places, image: this.image.path };
  }

  /**
   * Marks the flow as ended, removes its files and closes every link. The files go first: a reader
   * that attaches now must not find a flow that is about to end. Files that another program has
   * removed are put back instead, for the next duplicator, as a killed one leaves them.
   */
  async release(): Promise<void> {
    await this.#linkKeeper.close();
    if (this.leavesFiles) return this.#leaveToSuccessor();
    this.#owned.close();
    this.host.setSourceState('ended', Number(wallClockNs()), this.host.generation);
    removeFiles(this.file.path, this.#inode, this.image?.path);
    await this.host.close();
  }

  async #leaveToSuccessor(): Promise<void> {
    // A provider that is stopped or busy may write on: it writes the rest again when it reattaches.
    await this.host.abandon();
    try {
      await this.#putBack();
    } finally {
      this.#owned.close();
    }
  }

  /**
   * At once, so that everyone sees that the flow has an owner, also an app server that starts now.
   */
  #putBackEarly(): void {
    try {
      this.#prepare();
      this.#owned.putBack();
    } catch (error) {
      this.#log.debug('a removed file cannot be put back yet', { error });
    }
  }

  /** Waits for room as long as PUT_BACK_MS: without a copy the buffers of the ring are lost. */
  async #putBack(): Promise<void> {
    const untilMs = this.#clock.nowMs() + PUT_BACK_MS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#prepare();
        this.#owned.putBack();
        return;
      } catch (error) {
        if (!isMirrorflowError(error, 'NO_SPACE') || this.#clock.nowMs() >= untilMs) throw error;
        if (attempt === 1) this.#log.warn('a removed file waits for room, to be put back', { error });
      }
      await new Promise<void>((resolve) => void this.#clock.after(PUT_BACK_RETRY_MS, resolve));
    }
  }
}

async function openSockets(sockets: readonly LinkSocket[], access: Access): Promise<void> {
  for (const { links, path, kind } of sockets) {
    await listenOnLink(links, path);
    if (kind !== undefined) access.grant(path, kind);
  }
}

/** The flow file last: it states which process owns the image. */
function removeFiles(path: string, inode: bigint | undefined, imagePath: string | undefined): void {
  if (imagePath !== undefined) rmSync(imagePath, { force: true });
  if (inode !== undefined) releasePath(path, inode);
}

/** Throws what `prepareDirectory` throws for a directory of another user. */
function prepareDirectories(options: FlowOptions, link: string, log: Logger): Access {
  const { app, directory, flowDirectory } = options;
  const appDirectory = appFlowDirectory(flowDirectory, app);
  for (const path of [directory, dirname(link), flowDirectory, appDirectory]) prepareDirectory(path);
  const access = new Access(options.access, log);
  access.grantDirectories([appDirectory], [flowDirectory, directory, dirname(link)]);
  return access;
}

/** A file that was taken over keeps its image, so that pointers of clients into it stay current. */
function obtainImage(path: string, file: FlowFile, access: Access, takenOver: boolean): MappedImage {
  const { payloadCapacity } = file.geometry;
  const bytes = takenOver
    ? mapImage(path, payloadCapacity)
    : createImage(path, payloadCapacity, access.of('image'));
  access.grant(path, 'image', takenOver);
  return { path, bytes };
}

/** As inspectFlowFile; what names this process as its owner is a copy by another program. */
function inspectOtherOwner(path: string): ClaimState {
  const state = inspectFlowFile(path);
  return state.kind === 'owned' && state.pid === process.pid ? { kind: 'dead' } : state;
}

/** `held`: descriptor of the file before; it stays open where that one is taken over. */
function obtain(held: number | undefined, action: () => ObtainedFile): ObtainedFile {
  let isKept = false;
  try {
    const obtained = action();
    isKept = obtained.takenOver;
    return obtained;
  } finally {
    if (held !== undefined && !isKept) closeSync(held);
  }
}

/** Puts back what was removed while the flow could not be made. */
function leaveInPlace(owned: OwnedFiles, log: Logger): void {
  try {
    owned.putBack();
  } catch (error) {
    log.error('the files of the flow were not put back', { error });
  }
}
