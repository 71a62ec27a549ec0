/*
 * Prints the texts of a flow, from the oldest one on, until none comes for a second.
 *
 *   cc consumer.c $(pkg-config --cflags --libs mirrorflow) -o consumer
 *   ./consumer e1 events
 */
#include <mirrorflow.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: consumer APPLICATION FLOW\n"), 2;
  mf_app *app;
  mf_input *input = NULL;
  mf_status status = mf_connect(argv[1], NULL, &app);
  if (status == MF_OK) status = mf_open_input(app, argv[2], NULL, &input);
  if (status != MF_OK) fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_app_error(app));
  while (status == MF_OK) {
    mf_buffer buffer; /* valid until the next mf_take */
    status = mf_take(input, 1000, &buffer);
    if (status == MF_OK) printf("%llu: %.*s\n", (unsigned long long)buffer.sequence, (int)buffer.size, (const char *)buffer.data);
  }
  mf_input_close(input);
  mf_app_close(app);
  return status == MF_TIMED_OUT ? 0 : 1;
}
