;; Masking, 16 bytes at a time. `npm run wasm` compiles this to simd-code.ts; simd.ts says how it is called.
;;
;; Memory:  0        128 KiB that sockets read into
;;          0x20000  32 KiB of results, and up to 16 bytes that may be written past their end
;;          0x2a000  16 KiB for what was read elsewhere
;;          0x2ffc0  16 bytes of ones and 16 of zeros: read from 16 - n bytes on, they begin with n ones
;;          0x2fff8  what unmaskFrames says besides its result: where its results end, and 0 if all of them is ASCII
(module
  (memory (export "memory") 3)
  (data (i32.const 0x2ffc0) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")

  ;; (Un)masks $length bytes from $from on, to $to: both anywhere in memory, also the same place. Up to 16 bytes past the end of the
  ;; results may be written, too. Returns 0 if the results are ASCII, else another number.
  (func $mask (export "mask") (param $from i32) (param $to i32) (param $length i32) (param $key i32) (result i32)
    (local $keys v128)
    (local $word v128)
    (local $seen v128)
    (local.set $keys (i32x4.splat (local.get $key)))
    (block $rest
      (loop $words
        (br_if $rest (i32.lt_u (local.get $length) (i32.const 16)))
        (local.set $word (v128.xor (v128.load align=1 (local.get $from)) (local.get $keys)))
        (v128.store align=1 (local.get $to) (local.get $word))
        (local.set $seen (v128.or (local.get $seen) (local.get $word)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (local.set $length (i32.sub (local.get $length) (i32.const 16)))
        (br $words)))
    ;; Less than 16 are left. What comes after them is no text of this message.
    (local.set $word (v128.xor (v128.load align=1 (local.get $from)) (local.get $keys)))
    (v128.store align=1 (local.get $to) (local.get $word))
    (local.set $word
      (v128.and (local.get $word) (v128.load align=1 (i32.sub (i32.const 0x2ffd0) (local.get $length)))))
    (i8x16.bitmask (v128.or (local.get $seen) (local.get $word))))

  ;; Takes whole messages of one frame each (RFC 6455 5.2) from $from on, and leaves the same frames as a server sends them, without
  ;; a masking key, in the results. It stops before $end, at the first frame of another kind, that is not all there, whose payload is
  ;; longer than $longest, or for which there is no room. Returns where it stopped.
  (func (export "unmaskFrames") (param $from i32) (param $end i32) (param $longest i32) (result i32)
    (local $to i32)
    (local $start i32)
    (local $header i32)
    (local $length i32)
    (local $payload i32)
    (local $seen i32)
    (local.set $to (i32.const 0x20000))
    (block $stop
      (loop $frames
        (br_if $stop (i32.gt_u (i32.add (local.get $from) (i32.const 6)) (local.get $end)))
        ;; FIN, no reserved bits, text or binary: 0x81 or 0x82; then the mask bit.
        (local.set $start (i32.load align=1 (local.get $from)))
        (br_if $stop
          (i32.gt_u (i32.sub (i32.and (local.get $start) (i32.const 0x80ff)) (i32.const 0x8081)) (i32.const 1)))
        (local.set $header (i32.const 2))
        (local.set $length (i32.and (i32.shr_u (local.get $start) (i32.const 8)) (i32.const 127)))
        (if (i32.ge_u (local.get $length) (i32.const 126))
          (then
            ;; In two more bytes; one that would have fitted into seven bits is a violation, one of eight bytes is too long for us.
            (br_if $stop (i32.eq (local.get $length) (i32.const 127)))
            (local.set $header (i32.const 4))
            (local.set $length
              (i32.or
                (i32.shl (i32.load8_u offset=2 (local.get $from)) (i32.const 8))
                (i32.load8_u offset=3 (local.get $from))))
            (br_if $stop (i32.lt_u (local.get $length) (i32.const 126)))))
        (br_if $stop (i32.gt_u (local.get $length) (local.get $longest)))
        (local.set $payload (i32.add (i32.add (local.get $from) (local.get $header)) (i32.const 4)))
        (br_if $stop (i32.gt_u (i32.add (local.get $payload) (local.get $length)) (local.get $end)))
        (br_if $stop
          (i32.gt_u (i32.add (i32.add (local.get $to) (local.get $header)) (local.get $length)) (i32.const 0x28000)))
        ;; The header without its mask bit; if it is of two bytes, the payload goes over the other two.
        (i32.store align=1 (local.get $to) (i32.and (local.get $start) (i32.const 0xffff7fff)))
        (local.set $to (i32.add (local.get $to) (local.get $header)))
        (local.set $seen
          (i32.or
            (local.get $seen)
            (call $mask
              (local.get $payload)
              (local.get $to)
              (local.get $length)
              (i32.load align=1 (i32.add (local.get $from) (local.get $header))))))
        (local.set $to (i32.add (local.get $to) (local.get $length)))
        (local.set $from (i32.add (local.get $payload) (local.get $length)))
        (br $frames)))
    (i32.store (i32.const 0x2fff8) (local.get $to))
    (i32.store (i32.const 0x2fffc) (local.get $seen))
    (local.get $from)))
