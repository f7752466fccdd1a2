// SPDX-License-Identifier: Apache-2.0
/* A list with a lock, through which each handle can be closed once, by a release or by the end. */
#include "fs/handle.h"

#include <stddef.h>

void handles_init(struct handles *handles)
{
    *handles = (struct handles){0};
    pthread_mutex_init(&handles->lock, NULL);
}

void handles_add(struct handles *handles, struct handle *handle)
{
    pthread_mutex_lock(&handles->lock);
    handle->next = handles->first;
    handle->link = &handles->first;
    if (handle->next)
        handle->next->link = &handle->next;
    handles->first = handle;
    pthread_mutex_unlock(&handles->lock);
}

void handles_close(struct handles *handles, struct handle *handle)
{
    pthread_mutex_lock(&handles->lock);
    *handle->link = handle->next;
    if (handle->next)
        handle->next->link = handle->link;
    pthread_mutex_unlock(&handles->lock);
    handle->close(handle);
}

void handles_done(struct handles *handles)
{
    while (handles->first)
        handles_close(handles, handles->first);
    pthread_mutex_destroy(&handles->lock);
}
