/*
 * The protocol of a flow with a local provider, as a model for spin: one flow file, its duplicator,
 * one provider, lossless and lossy consumers, and at most one killed process. docs/model.md
 * describes what is modelled and what is proved; instances.ts lists the values of the macros.
 *
 * Every access to a word of the flow file that another process may change is a step of its own.
 * Local computation costs no step. Of a link, one message is being handled and one waits,
 * which a newer one replaces.
 *
 * RING       slots of the ring
 * BUFFERS    sequences that the provider writes
 * LOSSLESS, LOSSY   numbers of consumers
 * PROTOCOL   how a provider and a consumer that joins at an older buffer agree:
 *            CLAIMS     the provider claims slots before it clears them; credit goes back, claims do
 *                       not: the one that is implemented
 *            MONOTONE   credit never goes back
 *            RESTORES   the provider clears a slot, reads its credit again, and restores the slot
 * AHEAD      MONOTONE: slots granted beyond the published ones (a quarter of the ring, at least 1)
 * QUARTER    buffers after which acknowledgements and signals are due
 * KILL       killed at any step, one of: bits 1 provider, 2 duplicator, 4 8 16 consumer 0 1 2
 * START      where a consumer may begin: bits 1 oldest, 2 next
 * MEMORY     0 sequential consistency, 1 x86 (a FIFO store buffer per process), 2 ARM (unordered
 *            store buffer, loads reordered unless fenced)
 * NO_FENCE   the fence that is left out: FENCE_* below, or 0
 */
#ifndef RING
#define RING 2
#endif
#ifndef BUFFERS
#define BUFFERS 4
#endif
#ifndef LOSSLESS
#define LOSSLESS 1
#endif
#ifndef LOSSY
#define LOSSY 0
#endif
#define CLAIMS 0
#define MONOTONE 1
#define RESTORES 2
#ifndef PROTOCOL
#define PROTOCOL CLAIMS
#endif
#ifndef AHEAD
#define AHEAD 1
#endif
#ifndef QUARTER
#define QUARTER 1
#endif
#ifndef KILL
#define KILL 0
#endif
#ifndef START
#define START 3
#endif
#ifndef MEMORY
#define MEMORY 0
#endif
#ifndef NO_FENCE
#define NO_FENCE 0
#endif
/* The repair of a dead duplicator's file raises `published` over whole buffers that are not
   published yet: 1 compares, then stores; 2 does both in one step, as implemented. */
#ifndef REPAIR
#define REPAIR 2
#endif
/* The claims that bound where a joining consumer begins: 1 the one loaded after the credit is
   lowered, 2 also the one that the lowered credit was computed from, as implemented. */
#ifndef CLAIM_LOADS
#define CLAIM_LOADS 2
#endif
/* What a successor takes for sound: 1 credit that is at least what is published, 2 also less, where
   the provider has claimed what it published, as implemented. */
#ifndef CREDIT_CHECK
#define CREDIT_CHECK 2
#endif
/* 1: the provider may ask for no answer to a signal (OutputSignals at a low rate). */
#ifndef UNANSWERED
#define UNANSWERED 0
#endif
/* 1: a consumer's two looks at a slot are one step. Then nothing is proved of torn buffers. */
#ifndef COARSE_READ
#define COARSE_READ 0
#endif
/* 1: a lossless consumer that meets a cleared slot waits until it is whole again. */
#ifndef ZERO_WAITS
#define ZERO_WAITS 0
#endif
#define CLEARED_FOR(c) (ZERO_WAITS && IS_LOSSLESS(c) && file[SEQUENCE(next)] == 0)
/* 1: a consumer may read one buffer, and acknowledge it as one that is awake, while it has asked for
   a signal and waits for it; 2: the acknowledgement asks again, as implemented. */
#ifndef READ_ARMED
#define READ_ARMED 0
#endif

#define FENCE_CLEAR 1     /* provider: between clearing a slot and what follows */
#define FENCE_CLAIM 8     /* provider: between `claimed` and the load of `granted` */
#define FENCE_PUBLISHED 2 /* provider: between `published` and the load of `heard` */
#define FENCE_HEARD 3     /* duplicator: between `heard` and the load of `published` */
#define FENCE_GRANTED 4   /* duplicator: between `granted` and the loads that follow */
#define FENCE_READER 5    /* reader, ARM: between the payload and the second look at the sequence */
#define RELEASE_SEQUENCE 6  /* provider, ARM: the sequence is stored after the payload */
#define RELEASE_PUBLISHED 7 /* provider, ARM: `published` is stored after the sequence */

/* 1: lossless consumers are alike, and begin in the order of their numbers. */
#ifndef SYMMETRIC
#define SYMMETRIC 0
#endif
/* Where both looks are one step, no payload is needed: a buffer is complete in one step. */
#define HAS_PAYLOAD (1 - COARSE_READ)
#define CONSUMERS (LOSSLESS + LOSSY)
#define IS_LOSSLESS(c) ((c) < LOSSLESS)
#define NONE 255

/* The flow file. A slot's payload is one word here: the sequence that it belongs to, plus 1. */
#define SEQUENCE(n) ((n) % RING)
#define PAYLOAD(n) (RING + (n) % RING)
#define PUBLISHED (RING + RING * HAS_PAYLOAD)
#define GRANTED (PUBLISHED + 1)
#define HEARD (PUBLISHED + 2)
#define CLAIMED (PUBLISHED + 3)
#define WORDS (PUBLISHED + 4)
byte file[WORDS];
#define LOWERED (file[PUBLISHED] < 2 * RING -> SMALLER(file[PUBLISHED], RING) : file[PUBLISHED] - RING)
#define LEAST (CREDIT_CHECK == 2 && file[PUBLISHED] <= file[CLAIMED] -> LOWERED : file[PUBLISHED])
#define CREDIT_IS_SOUND (file[GRANTED] >= LEAST && file[GRANTED] <= file[PUBLISHED] + RING \
  && file[CLAIMED] <= file[PUBLISHED] + RING)
/* The presence table: bit c is set while consumer c is lossless and admitted. */
byte presence;

/* Links. CLOSED: no link; ASKED: HELLO sent; OPEN: admitted; LEFT: the client's process has died and
   the duplicator has not noticed; CUT: the duplicator has died and the client has not noticed. */
#define CLOSED 0
#define ASKED 1
#define OPEN 2
#define LEFT 3
#define CUT 4
bool listening;
byte providerLink;
byte consumerLink[CONSUMERS];
/* Provider to duplicator: PUBLISHED. Duplicator to provider: BEGIN and CREDIT. */
bool reportWaits; byte reportCount; bool reportUnanswered;
bool beginProvider; bool creditWaits;
/* Consumer to duplicator: START and ACK. Duplicator to consumer: BEGIN and PUBLISHED. */
byte startAt[CONSUMERS];
bool ackWaits[CONSUMERS]; byte ackCount[CONSUMERS]; bool ackAsks[CONSUMERS];
bool beginWaits[CONSUMERS]; byte beginAt[CONSUMERS];
bool signalWaits[CONSUMERS];
#define OLDEST 254
#define NEXT 253

/* The one kill. */
#define PROVIDER 1
#define DUPLICATOR 2
#define CONSUMER(c) (4 << (c))
byte victim;
byte deadConsumers;
/* Nothing but the kill happens while one is due: a later kill is a step of its own. */
/* Number of consumer 0's process, behind memory, provider, killer, init and duplicator. */
#define FIRST_CONSUMER (4 + (MEMORY > 0))
#if KILL
#define UNLESS_KILLED(process) provided (victim == 0 || victim == process)
#else
#define UNLESS_KILLED(process)
#endif
/* Consumers that have asked once: alike ones do so in the order of their numbers. */
byte asked;
/* Not of the protocol: the largest `published` so far, to see a sequence published twice. */
byte everPublished;

/* --- Memory -------------------------------------------------------------------------------- */
#if MEMORY == 0
#define STORE_P(word, value) file[word] = value
#define STORE_D(word, value) file[word] = value
#define RELEASE_P(word, value, point) file[word] = value
#define DRAINED_P true
#define READS_OWN(word) true
#define DRAINED_D true
#endif
#if MEMORY == 1
/* Stores become visible in the order of the program, some time later. No process loads a word that
   it stores itself, but for the provider's look at a slot, which finds its buffer empty. */
chan bufferP = [4] of { byte, byte };
chan bufferD = [2] of { byte, byte };
#define STORE_P(word, value) bufferP ! word, value
#define STORE_D(word, value) bufferD ! word, value
#define RELEASE_P(word, value, point) bufferP ! word, value
#define DRAINED_P empty(bufferP)
#define READS_OWN(word) empty(bufferP)
#define DRAINED_D empty(bufferD)
active proctype Memory() {
  byte word, value;
end_memory:
  do
  :: atomic { bufferP ? word, value -> file[word] = value; word = 0; value = 0 }
  :: atomic { bufferD ? word, value -> file[word] = value; word = 0; value = 0 }
  od
}
#endif
#if MEMORY == 2
/* The provider's stores become visible in any order. A release waits until all earlier ones are
   visible; later ones may overtake it. The duplicator's stores are fenced. */
bool pending[WORDS]; byte pendingValue[WORDS];
byte pendings;
#define STORE_P(word, value) atomic { !pending[word] -> pending[word] = 1; pendingValue[word] = value; pendings++ }
#define RELEASE_P(word, value, point) atomic { (pendings == 0 || NO_FENCE == point) && !pending[word] -> pending[word] = 1; pendingValue[word] = value; pendings++ }
#define STORE_D(word, value) file[word] = value
#define DRAINED_P (pendings == 0)
#define READS_OWN(word) (!pending[word])
#define DRAINED_D true
#define DRAIN(word) :: atomic { pending[word] -> file[word] = pendingValue[word]; pending[word] = 0; pendingValue[word] = 0; pendings-- }
active proctype Memory() {
end_memory:
  do
  DRAIN(0) DRAIN(1) DRAIN(2) DRAIN(3) DRAIN(PUBLISHED) DRAIN(CLAIMED)
#if RING == 3
  DRAIN(5) DRAIN(4)
#endif
  od
}
#endif
/* A fence is a guard of the step that follows it. */
#define FENCED_P(point) (NO_FENCE == point || DRAINED_P)
#define FENCED_D(point) (NO_FENCE == point || DRAINED_D)

#define SMALLER(a, b) ((a) < (b) -> (a) : (b))
#define LARGER(a, b) ((a) > (b) -> (a) : (b))

/* --- The provider: OutputRing, RingWriter, OutputSignals -------------------------------------- */
inline publish() {
  if
  :: published == next -> skip
  :: else -> RELEASE_P(PUBLISHED, next, RELEASE_PUBLISHED);
    everPublished = LARGER(everPublished, next); published = next
  fi
}
/* With signals after every buffer, answers make no difference. */
#define ANSWERED (QUARTER > 1)
#define IS_DUE (answered || published - signalled >= QUARTER)
inline report() {
  signalled = published; answered = 0;
#if UNANSWERED
  if
  :: unanswered = 1
  :: unanswered = 0
  fi;
#endif
  if
  :: providerLink == OPEN -> reportWaits = 1; reportCount = published; reportUnanswered = unanswered
  :: else -> skip
  fi
}
#define CREDIT_COMES (creditWaits && (published == signalled || DRAINED_P))
inline receiveCredit() {
  creditWaits = 0; answered = ANSWERED;
  if
  :: published != signalled -> report()
  :: else -> skip
  fi
}
inline ask() {
  beginProvider = 0; creditWaits = 0; reportWaits = 0; providerLink = ASKED
}
#define IS_CUT_OFF (providerLink == CUT && published != next)
#define CAN_REATTACH (providerLink == CUT && published == next && listening && DRAINED_P)
inline forget() {
  next = 0; published = 0; signalled = 0; answered = 0; unanswered = 0; rechecked = 0
}
active proctype Provider() UNLESS_KILLED(PROVIDER) {
  byte next, published, signalled, replaced;
  bool answered, unanswered, rechecked;
attach:
  {
    atomic { listening && providerLink == CLOSED && DRAINED_P -> ask() };
begin:
    atomic {
      if
      :: beginProvider -> beginProvider = 0;
        next = file[PUBLISHED]; published = next; signalled = next; answered = ANSWERED
      :: providerLink == CUT && !beginProvider && listening -> ask(); goto begin
      fi };
turn: /* messages are handled between two buffers */
    atomic {
      if
      :: next == BUFFERS -> goto finished
#if QUARTER > 1
      :: next < BUFFERS && !rechecked && CREDIT_COMES -> receiveCredit(); goto turn
#endif
      :: next < BUFFERS && !rechecked && CAN_REATTACH -> forget(); ask(); goto begin
      :: next < BUFFERS && !rechecked && IS_CUT_OFF -> goto detached
      :: next < BUFFERS && file[GRANTED] > next -> skip
      :: next < BUFFERS && file[GRANTED] <= next -> goto noCredit
      fi };
#if PROTOCOL == RESTORES
    atomic { replaced = file[SEQUENCE(next)]; STORE_P(SEQUENCE(next), 0) };
    atomic { FENCED_P(FENCE_CLEAR) ->
      if
      :: file[GRANTED] > next -> replaced = 0
      :: else -> goto restore
      fi };
#else
#if PROTOCOL == CLAIMS
    /* A predecessor's claim stays. A processor reads what it has stored itself. */
    atomic { READS_OWN(CLAIMED) -> replaced = file[CLAIMED];
      if
      :: replaced > next -> skip
      :: else -> STORE_P(CLAIMED, next + 1)
      fi };
    atomic { FENCED_P(FENCE_CLAIM) ->
      if
      :: file[GRANTED] > next -> replaced = 0
      :: else -> goto withdraw
      fi };
#endif
    RELEASE_P(SEQUENCE(next), 0, 0);
#endif
#if MEMORY == 2
    FENCED_P(FENCE_CLEAR);
#endif
#if HAS_PAYLOAD
    atomic { STORE_P(PAYLOAD(next), next + 1) };
#endif
    atomic { assert(next >= everPublished); /* no sequence is published twice, with different buffers */
      RELEASE_P(SEQUENCE(next), next + 1, RELEASE_SEQUENCE); next++; rechecked = 0;
      if
      :: next - published < QUARTER && next < BUFFERS -> goto turn /* published at the end of the turn */
      :: goto flush
      fi };
#if PROTOCOL == RESTORES
restore:
    atomic { STORE_P(SEQUENCE(next), replaced); replaced = 0 };
    goto noCredit;
#endif
#if PROTOCOL == CLAIMS
withdraw:
    atomic { STORE_P(CLAIMED, replaced); replaced = 0 };
#endif
noCredit:
    /* Without credit everything is published, then the credit is read once more. */
    atomic {
      if
      :: rechecked -> goto wait
      :: !rechecked && published == next && published == signalled -> rechecked = 1; goto turn
      :: !rechecked && (published != next || published != signalled) -> rechecked = 1
      fi };
flush:
    atomic { publish() };
#if UNANSWERED
    atomic { FENCED_P(FENCE_PUBLISHED) ->
      if
      :: published == signalled -> goto turn
      :: else ->
        if
        :: IS_DUE || (unanswered && file[HEARD] >= signalled) -> skip
        :: else -> goto turn
        fi
      fi };
    atomic { DRAINED_P -> report(); goto turn };
#else
    atomic {
      if
      :: published == signalled || !IS_DUE -> skip
      :: published != signalled && IS_DUE && DRAINED_P -> report()
      fi;
      goto turn };
#endif
wait: /* every wait ends: this is no valid end */
    atomic {
      if
      :: CREDIT_COMES -> receiveCredit(); goto turn
      :: CAN_REATTACH -> forget(); ask(); goto begin
      :: IS_CUT_OFF -> goto detached
      fi };
finished:
end_finished:
    atomic {
      if
      :: CREDIT_COMES -> receiveCredit(); goto finished
      :: CAN_REATTACH -> forget(); ask(); goto begin
      :: IS_CUT_OFF -> skip
      fi };
detached:
    atomic { publish() };
    atomic { DRAINED_P && listening -> forget(); ask(); goto begin }
  } unless {
    atomic { victim == PROVIDER -> victim = 0;
      next = 0; published = 0; signalled = 0; replaced = 0; answered = 0; unanswered = 0; rechecked = 0; beginProvider = 0; creditWaits = 0;
      if
      :: providerLink == ASKED || providerLink == OPEN -> providerLink = LEFT
      :: providerLink == CUT -> providerLink = CLOSED
      :: else -> skip
      fi;
      goto attach }
  }
}

/* --- A consumer: RingReader, ReadingPosition -------------------------------------------------- */
inline acknowledge() {
  next++;
  if
  :: next - acknowledged >= QUARTER -> acknowledged = next;
    if
    :: consumerLink[me] == OPEN -> ackWaits[me] = 1; ackCount[me] = next; ackAsks[me] = 0
    :: else -> skip
    fi
  :: else -> skip
  fi
}
#define MAY_LOOK !(next < file[PUBLISHED] && CLEARED_FOR(me))
/* `published` is loaded again for each buffer: it only grows, so that a copy would do the same. */
inline lookAtNext() {
  if
  :: next >= file[PUBLISHED] -> goto drained
  :: next < file[PUBLISHED] && file[SEQUENCE(next)] != next + 1 -> goto lapped
  :: next < file[PUBLISHED] && file[SEQUENCE(next)] == next + 1 -> skip
  fi;
#if COARSE_READ
  acknowledge(); goto look
#else
  goto read
#endif
}
inline askToStart() {
  asked = (IS_LOSSLESS(me) -> LARGER(asked, me + 1) : asked);
  beginWaits[me] = 0; signalWaits[me] = 0; ackWaits[me] = 0; ackCount[me] = 0; ackAsks[me] = 0;
  if
  :: begun -> startAt[me] = next
  :: !begun && (START & 1) -> startAt[me] = OLDEST
  :: !begun && (START & 2) -> startAt[me] = NEXT
  fi;
  consumerLink[me] = ASKED
}
proctype Consumer(byte me) UNLESS_KILLED(CONSUMER(_pid - FIRST_CONSUMER)) {
  byte next, acknowledged, value, seen;
  bool begun;
#if READ_ARMED
  bool polled;
#endif
attach:
  {
    atomic { listening && consumerLink[me] == CLOSED && (SYMMETRIC == 0 || !IS_LOSSLESS(me) || asked >= me) -> askToStart() };
begin:
    atomic {
      if
      :: beginWaits[me] -> beginWaits[me] = 0;
        /* After a take-over a lossless consumer resumes at the buffer that it needs next. */
        assert(!begun || !IS_LOSSLESS(me) || beginAt[me] <= next);
        if
        :: begun -> next = LARGER(next, beginAt[me])
        :: !begun -> next = beginAt[me]; begun = 1
        fi;
        acknowledged = beginAt[me]; beginAt[me] = 0;
#if !ZERO_WAITS
        lookAtNext()
#endif
      :: consumerLink[me] == CUT && !beginWaits[me] && listening -> askToStart(); goto begin
      fi };
look:
    atomic { MAY_LOOK -> lookAtNext() };
#if !COARSE_READ
read:
#if MEMORY == 2
    /* The second look, or the payload, may be loaded first: only a fence keeps their order. */
    if
    :: NO_FENCE == FENCE_READER -> seen = file[SEQUENCE(next)]; value = file[PAYLOAD(next)]
    :: value = file[PAYLOAD(next)]; seen = file[SEQUENCE(next)]
    fi;
#else
    value = file[PAYLOAD(next)];
#endif
    atomic {
#if MEMORY != 2
      seen = file[SEQUENCE(next)];
#endif
      if
#if ZERO_WAITS
      :: seen == 0 && IS_LOSSLESS(me) -> value = 0; goto look
#endif
      :: seen != next + 1 && !(ZERO_WAITS && seen == 0 && IS_LOSSLESS(me)) -> seen = 0; value = 0; goto lapped
      :: seen == next + 1 -> assert(value == next + 1); /* never torn */
        seen = 0; value = 0; acknowledge(); goto look
      fi };
#endif
lapped:
    /* No lossless consumer misses a buffer. */
    atomic { assert(!IS_LOSSLESS(me)); value = file[PUBLISHED];
      if
      :: value <= next -> value = 0; goto drained
      :: else -> next = LARGER(next + 1, value - SMALLER(value, RING) + (value >= RING -> 1 : 0)); value = 0; goto look
      fi };
drained:
    atomic { acknowledged = next;
      if
      :: consumerLink[me] == OPEN -> ackWaits[me] = 1; ackCount[me] = next; ackAsks[me] = 1
      :: else -> skip
      fi;
      if
      :: next == BUFFERS -> goto done
      :: else -> goto waiting
      fi };
waiting: /* every wait ends: this is no valid end */
    atomic {
      if
      :: signalWaits[me] && MAY_LOOK -> signalWaits[me] = 0; lookAtNext()
      :: consumerLink[me] == CUT && listening -> askToStart(); goto begin
#if READ_ARMED
      :: !polled && file[PUBLISHED] > next && file[SEQUENCE(next)] == next + 1 -> polled = 1; next++; acknowledged = next;
        ackWaits[me] = 1; ackCount[me] = next; ackAsks[me] = (READ_ARMED == 2);
        if
        :: next == BUFFERS -> goto done
        :: else -> goto waiting
        fi
#endif
      fi };
done:
end_done:
    atomic {
      if
      :: signalWaits[me] -> signalWaits[me] = 0; goto drained
      :: consumerLink[me] == CUT && listening -> askToStart(); goto begin
      fi }
  } unless {
    atomic { victim == CONSUMER(me) -> victim = 0; deadConsumers = deadConsumers | (1 << me); asked = (IS_LOSSLESS(me) -> LARGER(asked, me + 1) : asked);
      next = 0; acknowledged = 0; value = 0; seen = 0; begun = 0;
      beginWaits[me] = 0; beginAt[me] = 0; signalWaits[me] = 0;
      if
      :: consumerLink[me] == ASKED || consumerLink[me] == OPEN -> consumerLink[me] = LEFT
      :: consumerLink[me] == CUT -> consumerLink[me] = CLOSED
      :: else -> skip
      fi }
  }
}

/* --- The duplicator: LinkProtocol, Admission, ProviderClaim, FlowConsumers -------------------- */
/* Private to the duplicator, lost when it dies. */
bool admitted[CONSUMERS]; bool asks[CONSUMERS]; byte acked[CONSUMERS];
byte reported, granted, sent;
/* After a take-over: the consumers that are expected, and the first sequence that one may need. */
byte expected; byte expectedFloor;
bool sendScheduled;

#define NEED(c) ((IS_LOSSLESS(c) && admitted[c]) -> acked[c] : NONE)
#define FLOOR (expected != 0 -> expectedFloor : NONE)
#if CONSUMERS == 1
#define SLOWEST SMALLER(NEED(0), FLOOR)
#endif
#if CONSUMERS == 2
#define SLOWEST SMALLER(SMALLER(NEED(0), NEED(1)), FLOOR)
#endif
#if CONSUMERS == 3
#define SLOWEST SMALLER(SMALLER(SMALLER(NEED(0), NEED(1)), NEED(2)), FLOOR)
#endif
#if PROTOCOL == MONOTONE
#define LIMIT (SLOWEST == NONE -> reported + AHEAD : SMALLER(SLOWEST + RING, reported + AHEAD))
#else
#define LIMIT (SMALLER(SLOWEST, reported) + RING)
#endif

#define SIGNAL(c, count) if :: admitted[c] && asks[c] && acked[c] < count -> asks[c] = 0; signalWaits[c] = (consumerLink[c] == OPEN) :: else -> skip fi
inline signalAll(count) {
  SIGNAL(0, count);
#if CONSUMERS > 1
  SIGNAL(1, count);
#endif
#if CONSUMERS > 2
  SIGNAL(2, count);
#endif
}
inline sendCredit() {
  sent = granted;
  if :: providerLink == OPEN -> creditWaits = 1 :: else -> skip fi
}
/* ProviderClaim.#grant, within a step. */
inline grant() {
  before = granted;
  if
  :: LIMIT > granted -> granted = LIMIT; STORE_D(GRANTED, granted)
  :: else -> skip
  fi
}
/* The rest of ProviderClaim.update, when there is credit that was not sent: `granted` was `before`. */
inline offer() {
  count = file[PUBLISHED];
  if
  :: granted - sent >= QUARTER -> DRAINED_D; sendCredit()
  :: else ->
    if
    :: count < before -> skip
    :: else ->
      if
      :: SLOWEST >= count -> DRAINED_D; sendCredit()
      :: else -> sendScheduled = 1
      fi
    fi
  fi;
  count = 0
}

inline takeAcknowledgement() {
  ackWaits[c] = 0; oldest = file[PUBLISHED];
  /* A consumer is never refused. */
  assert(ackCount[c] <= oldest && ackCount[c] >= acked[c]);
  acked[c] = ackCount[c]; asks[c] = ackAsks[c]; ackCount[c] = 0; ackAsks[c] = 0;
  if
  :: IS_LOSSLESS(c) && (LIMIT > granted || granted > sent) -> goto acknowledged
  :: else -> SIGNAL(c, oldest); oldest = 0; c = 0; goto serve
  fi
}
/* A consumer disconnected. */
inline remove() {
  consumerLink[c] = CLOSED; admitted[c] = 0; asks[c] = 0; acked[c] = 0; beginWaits[c] = 0; beginAt[c] = 0; signalWaits[c] = 0;
  presence = presence & ~(1 << c); expected = expected & ~(1 << c); c = 0
}
/* The consumers changed. */
inline change() {
  c = 0;
  if
  :: LIMIT > granted || granted > sent -> grant(); goto offered
  :: else -> goto serve
  fi
}
/* WriterCredit.oldest: what is held for a consumer that resumes is there, whatever is claimed. */
inline findOldest() {
  count = file[PUBLISHED]; before = granted;
  if
  :: startAt[c] != OLDEST && IS_LOSSLESS(c) && value >= SLOWEST -> oldest = value; count = 0; goto admit
  :: else -> value = SMALLER(count, LARGER(value, count - SMALLER(count, RING)))
  fi;
  if
  :: IS_LOSSLESS(c) -> goto lower
  :: else -> goto claims
  fi
}
inline takeStart() {
  if
  :: startAt[c] == NEXT -> oldest = file[PUBLISHED]; goto admit
#if PROTOCOL == CLAIMS
  :: startAt[c] == OLDEST -> value = 0; findOldest()
#else
  :: startAt[c] == OLDEST -> value = 0; goto bounds
#endif
  :: else -> value = SMALLER(startAt[c], file[PUBLISHED]); goto bounds /* never more than is published */
  fi
}

proctype Duplicator() UNLESS_KILLED(DUPLICATOR) {
  byte c, count, value, before, oldest, claimed, word, complete, open;
  bool flag;
  /* A new file: nothing is published, the ring may be written as far as credit goes. */
  atomic { expectedFloor = 0; granted = LIMIT; file[GRANTED] = granted; listening = 1 };
  do
  :: {
    skip;
serve:
end_idle:
    do
    :: atomic { providerLink == ASKED -> providerLink = OPEN; reported = file[PUBLISHED]; grant(); before = 0 };
      atomic { DRAINED_D -> beginProvider = (providerLink == OPEN); sendCredit(); count = file[PUBLISHED]; signalAll(count); count = 0 }
    :: atomic { reportWaits -> reportWaits = 0;
        /* A provider is never refused. */
        assert(reportCount >= reported && reportCount <= granted && reportCount <= file[PUBLISHED]);
        reported = reportCount; flag = reportUnanswered; reportCount = 0; reportUnanswered = 0; grant(); before = 0 };
      atomic { DRAINED_D -> count = file[PUBLISHED]; signalAll(count); count = 0;
        if
        :: flag -> skip
        :: else -> sendCredit(); goto serve
        fi };
      atomic { flag = 0; STORE_D(HEARD, reported) };
      atomic { FENCED_D(FENCE_HEARD) -> count = file[PUBLISHED];
        if
        :: count == reported && reported < sent && granted - sent < QUARTER -> skip
        :: else -> DRAINED_D; sendCredit()
        fi;
        count = 0 }
    :: atomic { sendScheduled -> sendScheduled = 0;
        if :: granted > sent -> sendCredit() :: else -> skip fi }
    :: atomic { providerLink == LEFT && !reportWaits && DRAINED_P -> providerLink = CLOSED; creditWaits = 0; beginProvider = 0;
        reported = LARGER(reported, SMALLER(file[PUBLISHED], granted));
        count = file[PUBLISHED]; signalAll(count); count = 0; change() }
#define FROM(n) :: atomic { ackWaits[n] && admitted[n] -> c = n; takeAcknowledgement() } \
    :: atomic { consumerLink[n] == ASKED -> c = n; takeStart() } \
    :: atomic { consumerLink[n] == LEFT && !ackWaits[n] -> c = n; remove(); change() } \
    :: atomic { (expected & (1 << n)) && (deadConsumers & (1 << n)) -> expected = expected & ~(1 << n); presence = presence & ~(1 << n); change() }
    FROM(0)
#if CONSUMERS > 1
    FROM(1)
#endif
#if CONSUMERS > 2
    FROM(2)
#endif
    od;
acknowledged:
    atomic { grant() };
    atomic { FENCED_D(FENCE_GRANTED) -> offer(); before = 0; SIGNAL(c, oldest); oldest = 0; c = 0; goto serve };
changed:
    atomic { change() };
offered:
    atomic { FENCED_D(FENCE_GRANTED) -> offer(); before = 0; c = 0; goto serve };
bounds:
#if PROTOCOL == MONOTONE
    /* No credit was ever given for the slots of these buffers. */
    atomic { count = file[PUBLISHED]; oldest = SMALLER(count, LARGER(value, granted - SMALLER(granted, RING))); count = 0 };
#endif
#if PROTOCOL == CLAIMS
    atomic { findOldest() };
lower:
    /* ProviderClaim.oldest. A claim that is loaded first may be withdrawn, and stored again below the
       lowered credit: a consumer begins behind the larger of both claims. */
    oldest = file[CLAIMED];
    atomic { granted = SMALLER(before, LARGER(value + RING, oldest)); STORE_D(GRANTED, granted) };
claims:
    atomic { FENCED_D(FENCE_GRANTED) -> claimed = file[CLAIMED];
#if CLAIM_LOADS == 2
      claimed = LARGER(claimed, oldest);
#endif
      oldest = SMALLER(count, LARGER(value, claimed - SMALLER(claimed, RING))); claimed = 0; count = 0;
      if
      :: IS_LOSSLESS(c) -> skip
      :: else -> goto admit
      fi };
    atomic { granted = SMALLER(before, oldest + RING); STORE_D(GRANTED, granted) };
    atomic { DRAINED_D -> sendCredit() };
#endif
#if PROTOCOL == RESTORES
    atomic { count = file[PUBLISHED]; before = granted; oldest = SMALLER(count, LARGER(value, count - SMALLER(count, RING))); count = 0;
      if
      :: IS_LOSSLESS(c) -> skip
      :: else -> goto search
      fi };
    atomic { granted = SMALLER(before, oldest + RING); STORE_D(GRANTED, granted) };
search:
    do
    :: atomic { FENCED_D(FENCE_GRANTED) -> count = file[PUBLISHED];
        if
        :: oldest < count -> count = 0
        :: else -> count = 0; break
        fi };
      atomic {
        if
        :: file[SEQUENCE(oldest)] == oldest + 1 -> break
        :: else -> oldest++
        fi }
    od;
    atomic {
      if
      :: IS_LOSSLESS(c) -> granted = SMALLER(before, oldest + RING); STORE_D(GRANTED, granted)
      :: else -> goto admit
      fi };
    atomic { DRAINED_D -> sendCredit() };
#endif
admit:
    atomic { before = 0; value = 0; startAt[c] = 0;
      if
      :: consumerLink[c] == ASKED -> consumerLink[c] = OPEN
      :: else -> skip /* killed meanwhile: its end is handled next */
      fi;
      admitted[c] = 1; asks[c] = 1; acked[c] = oldest;
      if
      :: IS_LOSSLESS(c) -> presence = presence | (1 << c)
      :: else -> skip
      fi
#if KILL & 2
    };
    atomic {
#else
      ;
#endif
      if
      :: consumerLink[c] == OPEN -> beginWaits[c] = 1; beginAt[c] = oldest
      :: else -> skip
      fi;
      oldest = 0; count = file[PUBLISHED]; SIGNAL(c, count); count = 0;
      if
      :: expected & (1 << c) -> expected = expected & ~(1 << c); goto changed
      :: else -> c = 0; goto serve
      fi }
  } unless {
    atomic { victim == DUPLICATOR && DRAINED_D -> victim = 0; listening = 0;
      c = 0; count = 0; value = 0; before = 0; oldest = 0; claimed = 0; flag = 0;
      reported = 0; granted = 0; sent = 0; sendScheduled = 0; expected = 0; expectedFloor = 0;
      reportWaits = 0; reportCount = 0; reportUnanswered = 0;
#define CUT_OFF(link) if :: link == ASKED || link == OPEN -> link = CUT :: link == LEFT -> link = CLOSED :: else -> skip fi
      CUT_OFF(providerLink);
      do
      :: c < CONSUMERS -> CUT_OFF(consumerLink[c]); admitted[c] = 0; asks[c] = 0; acked[c] = 0;
        ackWaits[c] = 0; ackCount[c] = 0; ackAsks[c] = 0; startAt[c] = 0; c++
      :: else -> c = 0; break
      od };
    /* The successor verifies the file: judgeChain, and the repair of unpublished whole buffers. */
verify:
    atomic { value = file[PUBLISHED]; before = file[GRANTED] };
    do
    :: atomic { count < RING ->
        word = file[SEQUENCE(value + count)];
        if
        :: flag == 0 && open == 0 && word == value + count + 1 -> complete++
        :: flag == 0 && !(open == 0 && word == value + count + 1) ->
          if
          :: word == 0 -> open++
          :: else -> flag = 1
          fi
        :: else -> skip
        fi;
        /* An old buffer is where it belongs; anything else has the file replaced. */
        if
        :: flag == 1 && (value + count < RING || word != value + count + 1 - RING) -> oldest = 1
        :: else -> skip
        fi;
        word = 0; count++;
        if
        :: count == RING -> count = 0; flag = 0; open = 0; break
        :: else -> skip
        fi }
    od;
    atomic {
      if
      :: file[PUBLISHED] != value || file[GRANTED] != before || oldest == 1 -> oldest = 0; complete = 0; value = 0; before = 0; goto verify
      :: else -> skip
      fi };
    if
    :: complete == 0 -> skip
    :: complete != 0 ->
      atomic {
        if
        :: file[PUBLISHED] < value + complete -> everPublished = LARGER(everPublished, value + complete)
        :: else -> goto obtain
        fi;
#if REPAIR == 1
        goto store };
store:
      atomic {
#endif
        file[PUBLISHED] = value + complete }
    fi;
obtain:
    /* The successor takes over: its credit stays until the expected consumers have reattached. */
    atomic { complete = 0; value = 0; before = 0; granted = file[GRANTED]; expected = presence & ~deadConsumers; presence = expected;
      expectedFloor = granted - SMALLER(granted, RING); reported = file[PUBLISHED];
      assert(CREDIT_IS_SOUND) /* checkCredit: the dead duplicator's file is not taken for damaged */
    };
    atomic {
      if
      :: LIMIT > granted -> granted = LIMIT; file[GRANTED] = granted
      :: else -> skip
      fi;
      listening = 1 }
  }
  od
}

#if KILL
active proctype Killer() {
  if
#if KILL & 1
  :: victim = PROVIDER
#endif
#if KILL & 2
  :: atomic { listening -> victim = DUPLICATOR }
#endif
#if KILL & 4
  :: victim = CONSUMER(0)
#endif
#if KILL & 8
  :: victim = CONSUMER(1)
#endif
#if KILL & 16
  :: victim = CONSUMER(2)
#endif
  :: true
  fi
}
#endif

init {
  atomic {
    run Duplicator();
    run Consumer(0);
#if CONSUMERS > 1
    run Consumer(1);
#endif
#if CONSUMERS > 2
    run Consumer(2)
#endif
  }
}
