/*
 * Lists the spectra of an application, or sums one whenever it has changed, COUNT times.
 *
 *   cc spectra.c $(pkg-config --cflags --libs mirrorflow) -o spectra
 *   ./spectra e1
 *   ./spectra e1 checksum 3
 */
#include <mirrorflow.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *text) {
  fprintf(stderr, "%s\n", text);
  return 1;
}

typedef struct wanted {
  const char *name;
  uint64_t sum;
} wanted;

/* Runs over one publication: what it copies belongs together. */
static mf_status sum_of(const mf_spectra *spectra, uint64_t sequence, uint64_t timestamp_ns, void *context) {
  wanted *own = context;
  mf_spectrum spectrum;
  mf_status status = mf_find(spectra, own->name, &spectrum);
  if (status == MF_OK) own->sum = mf_sum(&spectrum);
  (void)sequence, (void)timestamp_ns;
  return status;
}

static int follow(mf_mirror *mirror, const char *name, int count) {
  for (int at = 0; at < count; at++) {
    uint64_t sequence;
    wanted wanted = {name, 0};
    if (mf_next_update(mirror, 10000, &sequence) != MF_OK) return failed(mf_mirror_error(mirror));
    if (mf_read(mirror, sum_of, &wanted) != MF_OK) return failed(mf_mirror_error(mirror));
    printf("publication %llu: sum %llu\n", (unsigned long long)sequence, (unsigned long long)wanted.sum);
  }
  return 0;
}

static int list(mf_mirror *mirror) {
  const mf_spectra *spectra;
  mf_spectrum spectrum;
  uint32_t position = 0;
  if (mf_spectra_of(mirror, 10000, &spectra) != MF_OK) return failed(mf_mirror_error(mirror));
  while (mf_each(spectra, &position, &spectrum))
    printf("%s: %s, %u x %u channels, sum %llu\n", spectrum.name, spectrum.type, spectrum.x.bins, spectrum.y.bins,
           (unsigned long long)mf_sum(&spectrum));
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 4) return fprintf(stderr, "usage: spectra APPLICATION [NAME COUNT]\n"), 2;
  mf_app *app;
  mf_mirror *mirror = NULL;
  int result = 1;
  if (mf_connect(argv[1], NULL, &app) != MF_OK || mf_open_mirror(app, NULL, &mirror) != MF_OK)
    failed(mf_app_error(app));
  else
    result = argc == 2 ? list(mirror) : follow(mirror, argv[2], atoi(argv[3]));
  mf_mirror_close(mirror);
  mf_app_close(app);
  return result;
}
