/**
 * Type declarations of the used part of the package `xmlrpc`: the deserializer of `decoding.ts`.
 */
declare module 'xmlrpc/lib/deserializer.js' {
  /** The stream of the package `sax`; `_parser` is the parser that it wraps. */
  interface SaxStream {
    readonly _parser: { strict: boolean; noscript: boolean; ENTITIES: Record<string, string> };
    write(text: string): boolean;
    end(): boolean;
  }
  interface SourceStream {
    setEncoding(encoding: string): void;
    on(event: string, listener: (error: Error) => void): void;
    pipe(parser: SaxStream): void;
  }
  class Deserializer {
    readonly parser: SaxStream;
    type: string | null;
    methodname: string | null;
    data: string[];
    error: Error | null;
    responseType: 'params' | 'fault' | null;
    stack: unknown[];
    marks: number[];
    /** Whether the innermost open element is a `<value>` without a type element so far. */
    value: boolean;
    callback: ((error: Error | undefined, stack?: unknown[]) => void) | null;
    deserializeMethodCall(
      stream: SourceStream,
      callback: (error: Error | null, method?: string, params?: unknown[]) => void,
    ): void;
    deserializeMethodResponse(
      stream: SourceStream,
      callback: (error: Error | null, result?: unknown) => void,
    ): void;
    onOpentag(node: { name: string }): void;
    onClosetag(name: string): void;
    onText(text: string): void;
    onCDATA(text: string): void;
    onDone(): void;
    onError(error: Error | string): void;
    push(value: unknown): void;
    endBoolean(data: string): void;
    endInt(data: string): void;
    endI8(data: string): void;
    endDouble(data: string): void;
    endNil(data: string): void;
    endString(data: string): void;
    endArray(data: string): void;
    endStruct(data: string): void;
    endBase64(data: string): void;
    endDateTime(data: string): void;
    endMethodName(data: string): void;
    endParams(data: string): void;
    endFault(data: string): void;
    endMethodCall(data: string): void;
    endMethodResponse(data: string): void;
  }
  export default Deserializer;
}
