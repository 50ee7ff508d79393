"""A method for each task type, with its fields as arguments: the same for Trio, asyncio and plain code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.model.task_fields import check_fields
from legnext_stream._core.model.tasks import TaskType

# What a submit returns: an awaitable of a job, or in plain code the job.
R_co = TypeVar("R_co", covariant=True)


class TaskMethods(ABC, Generic[R_co]):
    """The typed methods of a client. Each checks its arguments and calls `submit`.

    All of them have these arguments in common:

    - `job`: the job whose result is worked on, or its id;
    - `image`, `video`: which of its images or videos, 0–3;
    - `callback`: a URL that the API calls when the new job ends.

    They return the new job, and raise what `submit` raises; before anything is sent, `ValueError` for
    an argument that is out of the API's range, and `TypeError` for one of a wrong type.
    """

    @abstractmethod
    def submit(self, task_type: TaskType | str, **params: object) -> R_co:
        """Submit a job of any task type."""

    def diffusion(self, text: str, callback: str | None = None) -> R_co:
        """Make four images from a text.

        Args:
            text: The prompt, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(TaskType.DIFFUSION, text=text, callback=callback)

    def variation(
        self,
        job: Job | str,
        image: int,
        *,
        type: int = 0,  # noqa: A002 - the API's name
        remix_prompt: str | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Vary an image.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            type: How much: 0 subtly, 1 strongly.
            remix_prompt: Another prompt, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(
            TaskType.VARIATION, job, image, type=type, remixPrompt=remix_prompt, callback=callback
        )

    def upscale(
        self,
        job: Job | str,
        image: int,
        *,
        type: int = 0,  # noqa: A002 - the API's name
        callback: str | None = None,
    ) -> R_co:
        """Enlarge an image.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            type: How: 0 subtly, 1 creatively.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(TaskType.UPSCALE, job, image, type=type, callback=callback)

    def reroll(self, job: Job | str, *, callback: str | None = None) -> R_co:
        """Make four other images from a job's prompt.

        Args:
            job: The job, or its id.
            callback: A URL that the API calls when the new job ends.
        """
        return self._of_job(TaskType.REROLL, job, callback=callback)

    def blend(
        self, img_urls: Sequence[str], *, aspect_ratio: str = "1:1", callback: str | None = None
    ) -> R_co:
        """Make one image of several.

        Args:
            img_urls: The URLs of 2–5 images.
            aspect_ratio: `"2:3"`, `"1:1"` or `"3:2"`.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(
            TaskType.BLEND,
            imgUrls=img_urls,
            aspect_ratio=aspect_ratio,
            callback=callback,
        )

    def describe(self, img_url: str, *, callback: str | None = None) -> R_co:
        """Describe an image by prompts that would make one like it.

        Args:
            img_url: The URL of the image.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(TaskType.DESCRIBE, imgUrl=img_url, callback=callback)

    def shorten(self, prompt: str, *, callback: str | None = None) -> R_co:
        """Shorten a prompt.

        Args:
            prompt: The prompt, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(TaskType.SHORTEN, prompt=prompt, callback=callback)

    def pan(
        self,
        job: Job | str,
        image: int,
        *,
        direction: int,
        scale: float = 1.5,
        remix_prompt: str | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Extend an image in one direction.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            direction: 0 up, 1 down, 2 left, 3 right.
            scale: How many times as large it becomes, 1.1–3.0.
            remix_prompt: A prompt for what is added, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(
            TaskType.PAN,
            job,
            image,
            direction=direction,
            scale=scale,
            remixPrompt=remix_prompt,
            callback=callback,
        )

    def outpaint(
        self,
        job: Job | str,
        image: int,
        *,
        scale: float = 1.5,
        remix_prompt: str | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Extend an image on all sides.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            scale: How many times as large it becomes, 1.1–2.0.
            remix_prompt: A prompt for what is added, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(
            TaskType.OUTPAINT,
            job,
            image,
            scale=scale,
            remixPrompt=remix_prompt,
            callback=callback,
        )

    def inpaint(
        self,
        job: Job | str,
        image: int,
        *,
        mask: Mapping[str, object] | bytes,
        remix_prompt: str | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Paint a part of an image anew.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            mask: The part: `{"areas": [{"width": …, "height": …, "points": [x, y, …]}]}`, with the
                width and height of the image, 500–4,096 pixels, and the corners of a polygon; or
                `{"url": …}`, a mask in black and white; or the content of such a PNG file.
            remix_prompt: A prompt for the part, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(
            TaskType.INPAINT, job, image, mask=mask, remixPrompt=remix_prompt, callback=callback
        )

    def remix(
        self,
        job: Job | str,
        image: int,
        remix_prompt: str,
        *,
        mode: int | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Make an image anew by another prompt.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            remix_prompt: The prompt, 1–8,192 characters.
            mode: How much it changes, by the API's number, 0 or 1; by default as the API decides.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(
            TaskType.REMIX, job, image, remixPrompt=remix_prompt, mode=mode, callback=callback
        )

    def edit(
        self,
        job: Job | str,
        image: int,
        remix_prompt: str,
        *,
        canvas: Mapping[str, int],
        img_pos: Mapping[str, int],
        mask: Mapping[str, object] | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Put an image on a canvas, and paint what is around it.

        Args:
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            remix_prompt: The prompt, 1–8,192 characters.
            canvas: The `width` and `height` of the result, in pixels.
            img_pos: The `width`, `height`, `x` and `y` of the image on the canvas, in pixels.
            mask: A part of the image to paint anew, as for `inpaint`, but not a file.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(
            TaskType.EDIT,
            job,
            image,
            canvas=canvas,
            imgPos=img_pos,
            remixPrompt=remix_prompt,
            mask=mask,
            callback=callback,
        )

    def upload_paint(
        self,
        img_url: str,
        remix_prompt: str,
        *,
        canvas: Mapping[str, int],
        img_pos: Mapping[str, int],
        mask: Mapping[str, object],
        callback: str | None = None,
    ) -> R_co:
        """Put an image of your own on a canvas, and paint parts of it and what is around it.

        Args:
            img_url: The URL of the image, at most 1,024 characters.
            remix_prompt: The prompt, 1–8,192 characters.
            canvas: The `width` and `height` of the result, in pixels.
            img_pos: The `width`, `height`, `x` and `y` of the image on the canvas, in pixels.
            mask: The part to paint, as for `inpaint`, but not a file.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(
            TaskType.UPLOAD_PAINT,
            imgUrl=img_url,
            canvas=canvas,
            imgPos=img_pos,
            remixPrompt=remix_prompt,
            mask=mask,
            callback=callback,
        )

    def retexture(self, img_url: str, remix_prompt: str, *, callback: str | None = None) -> R_co:
        """Give what is in an image other materials.

        Args:
            img_url: The URL of the image, at most 1,024 characters.
            remix_prompt: The prompt, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(
            TaskType.RETEXTURE, imgUrl=img_url, remixPrompt=remix_prompt, callback=callback
        )

    def remove_background(self, img_url: str, *, callback: str | None = None) -> R_co:
        """Remove the background of an image.

        Args:
            img_url: The URL of the image, at most 1,024 characters.
            callback: A URL that the API calls when the job ends.
        """
        return self._checked(TaskType.REMOVE_BACKGROUND, imgUrl=img_url, callback=callback)

    def enhance(self, job: Job | str, image: int, *, callback: str | None = None) -> R_co:
        """Make a full image of a draft.

        Args:
            job: The job of the draft (its prompt has `--draft`), or its id.
            image: Which of its images, 0–3.
            callback: A URL that the API calls when the job ends.
        """
        return self._of_image(TaskType.ENHANCE, job, image, callback=callback)

    def video_diffusion(
        self,
        prompt: str | None = None,
        *,
        job: Job | str | None = None,
        image: int | None = None,
        video_type: int | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Make videos from a prompt, or of an image.

        Args:
            prompt: The prompt, 1–8,192 characters; it may begin with the URL of an image. It may be
                left out if `job` and `image` are given.
            job: The job of the image, or its id.
            image: Which of its images, 0–3.
            video_type: 0 for 480p, 1 for 720p; by default as the API decides.
            callback: A URL that the API calls when the job ends.

        Raises:
            TypeError: There is neither a prompt nor a job, or a job without an image.
        """
        if (job is None) != (image is None) or (job is None and prompt is None):
            raise TypeError("video_diffusion takes a prompt, or a job and an image, or all three")
        job_id = None if job is None else _id_of(job)
        return self._checked(
            TaskType.VIDEO_DIFFUSION,
            prompt=prompt,
            jobId=job_id,
            imageNo=image,
            videoType=video_type,
            callback=callback,
        )

    def extend_video(
        self,
        job: Job | str,
        video: int,
        *,
        prompt: str | None = None,
        callback: str | None = None,
    ) -> R_co:
        """Make a video longer.

        Args:
            job: The job of the video, or its id.
            video: Which of its videos, 0–3.
            prompt: A prompt for what is added, 1–8,192 characters.
            callback: A URL that the API calls when the new job ends.
        """
        return self._of_job(
            TaskType.EXTEND_VIDEO, job, videoNo=video, prompt=prompt, callback=callback
        )

    def video_upscale(self, job: Job | str, video: int, *, callback: str | None = None) -> R_co:
        """Enlarge a video.

        Args:
            job: The job of the video, or its id.
            video: Which of its videos, 0–3.
            callback: A URL that the API calls when the new job ends.
        """
        return self._of_job(TaskType.VIDEO_UPSCALE, job, videoNo=video, callback=callback)

    def _of_image(self, task: TaskType, job: Job | str, image: int, **fields: object) -> R_co:
        return self._of_job(task, job, imageNo=image, **fields)

    def _of_job(self, task: TaskType, job: Job | str, **fields: object) -> R_co:
        return self._checked(task, jobId=_id_of(job), **fields)

    def _checked(self, task: TaskType, **fields: object) -> R_co:
        check_fields(task, fields)
        return self.submit(task, **fields)


def _id_of(job: Job | str) -> str:
    return check_job_id(job.job_id if isinstance(job, Job) else job)
