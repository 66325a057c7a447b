"""Sentences in languages other than English and Chinese mean what they say."""

import json

import pytest

from probes.answer.classify import classify_answer
from probes.catalog import load_provider, load_wording
from probes.model import Fault
from tests.rows import each_row

WORDING = load_wording().rules
GATEWAY = load_provider("openai-compatible")

SENTENCES = {
    Fault.QUOTA_EXHAUSTED: (
        "利用制限に達しました。続行するにはプランをアップグレードするか、クレジットを追加してください。",
        "クレジットが不足しています",
        "사용 한도에 도달했습니다",
        "크레딧이 부족합니다",
        "Недостаточно средств на балансе",
        "Лимит исчерпан",
        "Ihr Guthaben ist aufgebraucht",
        "Quota dépassé",
        "Saldo insuficiente",
        "Sua cota foi excedida",
    ),
    Fault.INVALID_KEY: (
        "APIキーが無効です",
        "無効なAPIキーです",
        "API 키가 유효하지 않습니다",
        "Неверный API-ключ",
        "Недействительный токен",
        "Ungültiger API-Schlüssel",
        "Clé API invalide",
        "Clave API no válida",
        "Chave de API inválida",
    ),
    Fault.RATE_LIMITED: (
        "リクエストが多すぎます",
        "요청이 너무 많습니다",
        "Слишком много запросов",
        "Превышен лимит запросов",
        "Zu viele Anfragen",
        "Trop de requêtes",
        "Demasiadas solicitudes",
        "Ratenlimit erreicht",
    ),
    Fault.OVERLOADED: (
        "現在サーバーが混雑しています",
        "서버가 과부하 상태입니다",
        "Сервер перегружен",
        "Der Dienst ist überlastet",
        "Le service est surchargé",
    ),
    Fault.MODEL_UNAVAILABLE: (
        "モデルが見つかりません",
        "모델을 찾을 수 없습니다",
        "Модель gpt-x не найдена",
        "Das Modell x wurde nicht gefunden",
        "El modelo x no existe",
        "Le modèle x est introuvable",
    ),
    Fault.REGION_BLOCKED: (
        "お住まいの地域ではご利用いただけません",
        "해당 국가에서는 지원되지 않습니다",
        "Сервис недоступен в вашем регионе",
        "Ваша страна не поддерживается",
        "In Ihrem Land nicht verfügbar",
        "Non disponible dans votre pays",
    ),
    Fault.ACCOUNT_SUSPENDED: (
        "アカウントが停止されました",
        "계정이 정지되었습니다",
        "Ваш аккаунт заблокирован",
        "Ihr Konto wurde gesperrt",
        "Votre compte a été suspendu",
        "Su cuenta ha sido suspendida",
        "Il tuo account è stato sospeso",
        "Sua conta foi suspensa",
    ),
    Fault.SERVER_ERROR: (
        "内部エラーが発生しました",
        "서버 오류가 발생했습니다",
        "Внутренняя ошибка сервера",
        "Interner Serverfehler",
        "Erreur interne du serveur",
        "Error interno del servidor",
    ),
}


def fault(body):
    return classify_answer(GATEWAY, WORDING, None, {}, body).fault


@each_row(
    ("expected", "sentence"), [(fault, sentence) for fault, sentences in SENTENCES.items() for sentence in sentences]
)
def test_a_refusal_is_understood_in_the_languages_in_which_people_paste_it(expected, sentence):
    assert fault(sentence) is expected
    assert fault(f"Error: {sentence}") is expected
    assert fault(json.dumps({"error": {"message": sentence}}, ensure_ascii=False)) is expected


@pytest.mark.parametrize(
    "sentence", ["Bitte warten", "お待ちください", "Пожалуйста, подождите", "잠시만 기다려 주세요"]
)
def test_a_sentence_that_names_no_trouble_stays_unclassified(sentence):
    assert fault(sentence) is Fault.UNCLASSIFIED
