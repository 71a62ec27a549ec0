/*
 * Writes COUNT texts to a flow of an application, and leaves when all are read or after 10 s.
 *
 *   cc provider.c $(pkg-config --cflags --libs mirrorflow) -o provider
 *   ./provider e1 events 100
 */
#include <mirrorflow.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: provider APPLICATION FLOW COUNT\n"), 2;
  mf_app *app;
  if (mf_connect(argv[1], NULL, &app) != MF_OK) {
    fprintf(stderr, "%s\n", mf_app_error(app));
    mf_app_close(app);
    return 1;
  }
  mf_output_options options = {.buffer_size = 256, .buffers = 1024};
  mf_output *output;
  if (mf_open_output(app, argv[2], &options, &output) != MF_OK) {
    fprintf(stderr, "%s\n", mf_app_error(app));
    mf_app_close(app);
    return 1;
  }
  for (int number = 0; number < atoi(argv[3]); number++) {
    mf_slot slot; /* in the shared memory itself */
    if (mf_reserve(output, 10000, &slot) != MF_OK) {
      fprintf(stderr, "%s\n", mf_output_error(output));
      break;
    }
    int size = snprintf(slot.data, slot.capacity, "buffer %d", number);
    mf_commit(output, &slot, (size_t)size, 0, 0);
  }
  printf("%llu buffers are published\n", (unsigned long long)mf_output_next(output));
  mf_output_close(output);
  mf_app_close(app);
  return 0;
}
