/* metrics.c - see metrics.h. */
#include "harness/bench/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/common/text_file.h"

#define FILE_NS UINT64_C(1000000000)
enum { BACKLOG = 8, REQUEST_BYTES = 4096, PATIENCE_US = 50000 };

static bool listen_at(struct metrics *metrics, unsigned port, char *error)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int again = 1;
    metrics->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (metrics->listener >= 0 && setsockopt(metrics->listener, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again) == 0 &&
        bind(metrics->listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(metrics->listener, BACKLOG) == 0)
        return true;
    return support_error(error, METRICS_ERROR_BYTES, "--metrics-port: port %u cannot be had: %s", port,
                         strerror(errno));
}

bool metrics_open(struct metrics *metrics, const char *path, unsigned port, char *error)
{
    *metrics = (struct metrics){.path = path[0] == '\0' ? NULL : path, .listener = -1};
    return port == 0 || listen_at(metrics, port, error);
}

void metrics_close(struct metrics *metrics)
{
    if (metrics->listener >= 0)
        (void)close(metrics->listener);
    metrics->listener = -1;
}

bool metrics_wanted(struct metrics *metrics, int *client)
{
    *client = metrics->listener < 0 ? -1 : accept(metrics->listener, NULL, NULL);
    return *client >= 0 || (metrics->path != NULL && support_clock_ns() >= metrics->next_ns);
}

static bool send_all(int client, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t sent = send(client, text, left, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        left -= (size_t)sent;
    }
    return true;
}

/* Whatever is asked for, the answer is the same; who does not take it comes again. */
static void answer(int client, const char *text)
{
    const struct timeval patience = {.tv_usec = PATIENCE_US};
    char request[REQUEST_BYTES];
    SUPPORT_FREED char *head = support_format("HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                                              "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                                              strlen(text));
    (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (recv(client, request, sizeof request, 0) > 0 && send_all(client, head) && send_all(client, text))
        (void)shutdown(client, SHUT_WR);
    (void)close(client);
}

/* Under another name first, so that a reader finds a whole file at any time. */
static bool file_write(const char *path, const char *text, char *error)
{
    SUPPORT_FREED char *part = support_format("%s.part", path);
    FILE *file = fopen(part, "we");
    bool fine = file != NULL && fputs(text, file) >= 0;
    fine = (file == NULL || fclose(file) == 0) && fine && text_file_rename(part, path);
    if (fine)
        return true;
    support_error(error, METRICS_ERROR_BYTES, "--metrics-file: %.700s: cannot be written: %s", path, strerror(errno));
    (void)unlink(part);
    return false;
}

bool metrics_put(struct metrics *metrics, int client, const char *text, char *error)
{
    if (client >= 0)
        answer(client, text);
    if (metrics->path == NULL || support_clock_ns() < metrics->next_ns)
        return true;
    metrics->next_ns = support_clock_ns() + FILE_NS;
    return file_write(metrics->path, text, error);
}

/* ---- The text. ---- */

void metrics_head(struct support_text *text, const char *name, const char *type, const char *help)
{
    support_text_add(text, "# HELP maemio_%s %s\n# TYPE maemio_%s %s\n", name, help, name, type);
}

void metrics_add(struct support_text *text, const char *name, const char *labels, double value)
{
    support_text_add(text, "maemio_%s%s%s%s %.17g\n", name, labels == NULL ? "" : "{", labels == NULL ? "" : labels,
                     labels == NULL ? "" : "}", value);
}

void metrics_label_add(struct support_text *labels, const char *label, const char *value)
{
    support_text_add(labels, "%s%s=\"", labels->bytes == 0 ? "" : ",", label);
    for (const char *at = value; *at != '\0'; at++)
        support_text_add(labels, *at == '\n' ? "\\n" : *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    support_text_add(labels, "\"");
}
