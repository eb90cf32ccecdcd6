// The image's own needs, for emulators: an ELF note whose text is the program's file `note`,
// UTF-8 lines `key=value`. Allocated, so that it is also in the raw image and under PT_NOTE.

  .section .note.emurun, "a", %note
  .balign 4
  .4byte .Ltext - .Lname
  .4byte .Lend - .Ltext
  .4byte 1
.Lname:
  .asciz "emurun"
.Lpad:
  .balign 4
.Ltext:
  .incbin "note"
.Lend:
  .balign 4
